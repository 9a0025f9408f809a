{{- define "assay.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "assay.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "assay.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "assay.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "assay.selector" -}}
app.kubernetes.io/name: {{ include "assay.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "assay.labels" -}}
{{ include "assay.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: admission
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "assay.serviceAccount" -}}
{{- default (include "assay.fullname" .) .Values.serviceAccount.name -}}
{{- end }}

{{- define "assay.image" -}}
{{- with .Values.image -}}
{{- .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "assay.tlsSecret" -}}
{{- if eq .Values.tls.source "existing" -}}
{{- .Values.tls.existing.secret -}}
{{- else -}}
{{- include "assay.fullname" . }}-tls
{{- end -}}
{{- end }}

{{- define "assay.tokenSecret" -}}
{{- default (printf "%s-tokens" (include "assay.fullname" .)) .Values.auth.tokens.existingSecret -}}
{{- end }}

{{- define "assay.storeKeySecret" -}}
{{- default (printf "%s-store-keys" (include "assay.fullname" .)) .Values.redis.keys.existingSecret -}}
{{- end }}

{{- /* What contradicts itself, or would be open, is refused here and not rendered. */ -}}
{{- define "assay.check" -}}
{{- if not .Values.policies.use }}
{{- fail "policies.use is empty; wanted at least one policy, such as policies.use[0].file=policy.yaml with its text in policies.files (docs/deploy.md)" }}
{{- end }}
{{- $sources := .Values.policies.configMaps }}
{{- $named := list .Values.policies.exceptions .Values.policies.shadow .Values.policies.trustedRoot .Values.policies.registries }}
{{- range .Values.policies.use }}{{ $named = append $named .file }}{{ end }}
{{- range $named }}
{{- if and . (not (hasKey $.Values.policies.files .)) (not $sources) }}
{{- fail (printf "policies names the file %q, which is not in policies.files, and policies.configMaps is empty" .) }}
{{- end }}
{{- end }}
{{- if not (or .Values.webhooks.validate (not .Values.webhooks.mutate)) }}
{{- fail "webhooks.mutate without webhooks.validate pins images and judges none; wanted both, or neither" }}
{{- end }}
{{- if and (eq .Values.tls.source "existing") (not .Values.tls.existing.secret) }}
{{- fail "tls.source is existing and tls.existing.secret is empty; wanted the name of a Secret of type kubernetes.io/tls" }}
{{- end }}
{{- if and (eq .Values.tls.source "existing") .Values.webhooks.validate (not .Values.tls.existing.caBundle) }}
{{- fail "tls.source is existing and tls.existing.caBundle is empty; wanted the PEM of the CA, without which an API server asks the machine's own roots" }}
{{- end }}
{{- if and (eq .Values.auth.mode "mtls") (not .Values.auth.clientCA.existingSecret) }}
{{- fail "auth.mode is mtls and auth.clientCA.existingSecret is empty; wanted a Secret with the CA of the clients" }}
{{- end }}
{{- if and (eq .Values.auth.mode "none") .Values.auth.open }}
{{- fail "auth.mode is none and auth.open is set, which is then without effect; wanted auth.open=[]" }}
{{- end }}
{{- if and (eq .Values.auth.mode "none") .Values.metrics.auth }}
{{- fail "metrics.auth is true and auth.mode is none; wanted auth.mode bearer or mtls, or metrics.auth=false" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.auth (eq .Values.auth.mode "mtls") (not .Values.metrics.serviceMonitor.clientSecret) }}
{{- fail "metrics.auth wants client certificates (auth.mode is mtls), and metrics.serviceMonitor.clientSecret is empty; wanted a Secret with tls.crt and tls.key" }}
{{- end }}
{{- $adm := or (eq .Values.auth.mode "none") (has "admission" .Values.auth.open) }}
{{- if and .Values.pullSecrets.enabled $adm (not (and .Values.networkPolicy.enabled .Values.networkPolicy.apiServers)) }}
{{- fail "pullSecrets.enabled lets the admission doors use the pull secrets of the namespace that a review names, and whoever reaches those doors can write a review; wanted networkPolicy.apiServers (the addresses of the API servers), or admission taken out of auth.open (docs/deploy.md)" }}
{{- end }}
{{- if and .Values.pullSecrets.enabled (not .Values.pullSecrets.namespaces) }}
{{- fail "pullSecrets.enabled is true and pullSecrets.namespaces is empty; wanted the namespaces whose secrets may be read" }}
{{- end }}
{{- if and .Values.auth.tokens.existingSecret (not .Values.auth.tokens.files) }}
{{- fail "auth.tokens.files is empty; wanted the keys of the Secret that hold tokens" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (lt (int .Values.autoscaling.maxReplicas) (int .Values.autoscaling.minReplicas)) }}
{{- fail "autoscaling.maxReplicas is below autoscaling.minReplicas" }}
{{- end }}
{{- range $key, $_ := .Values.settings }}
{{- if has $key (include "assay.owned" $ | fromJsonArray) }}
{{- fail (printf "settings.%s is written by the chart; see its README for the value that sets it" $key) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "assay.probeScheme" -}}
{{- if .Values.metrics.auth }}HTTPS{{ else }}HTTP{{ end -}}
{{- end }}
