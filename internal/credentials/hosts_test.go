package credentials

import "testing"

// TestHosts shows for which hosts each cloud is asked, and above all for which not:
// what it would answer is sent to that host.
func TestHosts(t *testing.T) {
	for host, want := range map[string]string{
		"ghcr.io": "github", "GHCR.io": "github", "ghcr.io:443": "github",
		"ghcr.io:5000": "", "ghcr.io.evil.example": "", "xghcr.io": "", "a.ghcr.io": "", "ghcr.io.": "",

		"gcr.io": "google", "eu.gcr.io": "google", "GCR.io:443": "google", "us-central1-docker.pkg.dev": "google", "gcr.io:8443": "google",
		"evilgcr.io": "", "gcr.io.evil.example": "", "a.b.gcr.io": "", "docker.pkg.dev": "", "evil.pkg.dev": "",
		"us-docker.pkg.dev.evil.example": "", "storage.google.com": "", "us-docker.pkg.device": "", "gcr-io.example": "",

		"123456789012.dkr.ecr.eu-west-1.amazonaws.com": "ecr", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com": "ecr",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn": "ecr", "123456789012.dkr-ecr.eu-west-1.on.aws": "ecr",
		"public.ecr.aws": "ecr", "123456789012.dkr.ecr.eu-west-1.amazonaws.com:443": "ecr",
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example": "", "evil.dkr.ecr.eu-west-1.amazonaws.com": "",
		"123456789012.dkr.ecr.a.b.amazonaws.com": "", "123456789012xdkr.ecr.eu-west-1.amazonaws.com": "",
		"x.public.ecr.aws": "", "public.ecr.aws.evil.example": "", "s3.amazonaws.com": "",
		"123456789012.dkr.ecr.eu-west-1.amazonawsXcom": "",

		"team.azurecr.io": "acr", "Team.AzureCR.io:443": "acr", "team.westeurope.azurecr.io": "acr", "team.azurecr.cn": "acr", "team.azurecr.us": "acr",
		"azurecr.io": "", "azurecr.io.evil.example": "", "team.azurecr.io.evil.example": "", "teamazurecr.io": "", "evil.example/team.azurecr.io": "",
		"team.azurecr.io.": "", "team.azurecr.iox": "", "team.azurecr.io@evil.example": "", "team.azurecr.io:x": "", "\nteam.azurecr.io": "",
		"a.b.c.azurecr.io": "", "team.azurecr.io\n": "",

		"": "", "registry.example": "", "index.docker.io": "", "localhost:5000": "", "[::1]:5000": "",
	} {
		got := ""
		for name, serves := range map[string]func(string) bool{"github": isGitHub, "google": isGoogle, "ecr": isECR, "acr": isACR} {
			if serves(canonical(host)) {
				got += name
			}
		}
		if got != want {
			t.Errorf("%q belongs to %q, want %q", host, got, want)
		}
	}
}
