package credentials

import (
	"regexp"
	"strings"
)

// The registries of each cloud, anchored at both ends: a name that only contains
// one of these would otherwise be sent that cloud's token.
var (
	googleHosts = regexp.MustCompile(`^([a-z0-9-]+\.)?gcr\.io$|^[a-z0-9-]+-docker\.pkg\.dev$`)
	ecrHosts    = regexp.MustCompile(`^[0-9]{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)$|^public\.ecr\.aws$`)
	acrHosts    = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)?\.azurecr\.(io|cn|us)$`)
	port        = regexp.MustCompile(`:[0-9]+$`)
)

func anyHost(string) bool       { return true }
func isGitHub(host string) bool { return host == "ghcr.io" }
func isGoogle(host string) bool { return googleHosts.MatchString(port.ReplaceAllString(host, "")) }
func isECR(host string) bool    { return ecrHosts.MatchString(port.ReplaceAllString(host, "")) }
func isACR(host string) bool    { return acrHosts.MatchString(port.ReplaceAllString(host, "")) }

// canonical is the one way to write a host: in lower case, and without the port of
// https.
func canonical(host string) string { return strings.TrimSuffix(strings.ToLower(host), ":443") }
