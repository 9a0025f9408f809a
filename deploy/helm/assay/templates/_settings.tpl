{{- /* The keys that the chart writes itself; values.settings may hold all others. */ -}}
{{- define "assay.owned" -}}
["listen","probes","probes_tls","certificate","key","client_ca","client_names","auth","open","tokens","metrics_auth","policies","exceptions","shadow","registries","trusted_root","state","deadline","redis","redis_password","redis_ca","store_keys","share_floor","pull_secrets","mutate_templates"]
{{- end }}

{{- /* settings.yaml, as docs/serve.md describes it. */ -}}
{{- define "assay.settings" -}}
{{- $folder := "/etc/assay/policies" -}}
listen: ":8443"
probes: ":8081"
probes_tls: {{ .Values.metrics.auth }}
certificate: /etc/assay/tls/tls.crt
key: /etc/assay/tls/tls.key
auth: {{ .Values.auth.mode }}
{{- with .Values.auth.open }}
open:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq .Values.auth.mode "bearer" }}
tokens:
  {{- range .Values.auth.tokens.files }}
  - /etc/assay/tokens/{{ . }}
  {{- end }}
{{- end }}
{{- if eq .Values.auth.mode "mtls" }}
client_ca: /etc/assay/client-ca/{{ .Values.auth.clientCA.key }}
{{- with .Values.auth.clientCA.names }}
client_names:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
metrics_auth: {{ .Values.metrics.auth }}
policies:
  {{- range .Values.policies.use }}
  - file: {{ printf "%s/%s" $folder .file | quote }}
    {{- with .namespaces }}
    namespaces:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  {{- end }}
{{- with .Values.policies.exceptions }}
exceptions: {{ printf "%s/%s" $folder . | quote }}
{{- end }}
{{- with .Values.policies.shadow }}
shadow: {{ printf "%s/%s" $folder . | quote }}
{{- end }}
{{- with .Values.policies.trustedRoot }}
trusted_root: {{ printf "%s/%s" $folder . | quote }}
{{- end }}
{{- with .Values.policies.registries }}
registries: {{ printf "%s/%s" $folder . | quote }}
{{- end }}
state: /var/lib/assay
deadline: {{ sub (int .Values.webhooks.timeoutSeconds) 1 }}s
mutate_templates: {{ .Values.webhooks.mutateTemplates }}
pull_secrets: {{ .Values.pullSecrets.enabled }}
{{- if .Values.redis.url }}
redis: {{ .Values.redis.url | quote }}
{{- if .Values.redis.password.existingSecret }}
redis_password: /etc/assay/redis-password/{{ .Values.redis.password.key }}
{{- end }}
{{- if .Values.redis.ca.existingSecret }}
redis_ca: /etc/assay/redis-ca/{{ .Values.redis.ca.key }}
{{- end }}
store_keys:
  {{- range .Values.redis.keys.files }}
  - /etc/assay/store-keys/{{ . }}
  {{- end }}
share_floor: {{ .Values.redis.shareFloor }}
{{- end }}
{{- range $key, $value := .Values.settings }}
{{ toYaml (dict $key $value) }}
{{- end }}
{{- end }}
