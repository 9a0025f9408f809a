package settings

import (
	"errors"
	"net"
	"net/netip"
)

// Check refuses settings that contradict each other, or of which one would be without
// effect.
func (s Settings) Check() error {
	var errs []error
	refuse := func(when bool, text string) {
		if when {
			errs = append(errs, errors.New(text))
		}
	}
	refuse(len(s.Policies) == 0, "policies is not set; wanted at least one policy, such as --policies policy.yaml")
	refuse(s.Redis == "" && s.RedisPassword != "", "redis_password is set without redis, and would be without effect")
	refuse(s.Redis == "" && s.RedisCA != "", "redis_ca is set without redis, and would be without effect")
	refuse(s.Redis == "" && len(s.StoreKeys) > 0, "store_keys is set without redis, and would be without effect")
	refuse(s.Redis == "" && s.ShareFloor, "share_floor is set without redis, and would be without effect")
	refuse(s.Redis != "" && len(s.StoreKeys) == 0, "redis is set without store_keys; wanted a key, as what a stranger writes into the store must count for nothing")
	return errors.Join(append(errs, s.CheckFront())...)
}

// CheckFront refuses listeners and demands of clients that contradict each other.
func (s Settings) CheckFront() error {
	var errs []error
	refuse := func(when bool, text string) {
		if when {
			errs = append(errs, errors.New(text))
		}
	}
	tls, loopback := s.Certificate != "", Loopback(s.Listen)
	refuse((s.Certificate == "") != (s.Key == ""), "certificate and key: found one of them; wanted both or none")
	refuse(!tls && !loopback, "listen is "+s.Listen+", which others can reach, and there is no certificate; wanted certificate and key, or an address of loopback")
	switch s.Auth {
	case "":
		refuse(!loopback, "auth is not set, and listen is "+s.Listen+", which others can reach; wanted one of none, bearer, mtls")
	case "bearer":
		refuse(len(s.Tokens) == 0, "auth is bearer and there are no tokens; wanted at least one file of tokens")
	case "mtls":
		refuse(s.ClientCA == "", "auth is mtls and there is no client_ca; wanted the certificates that vouch for clients")
		refuse(!tls, "auth is mtls and there is no certificate; wanted certificate and key")
		refuse(s.Probes == "", "auth is mtls and probes is not set; wanted an address of their own for the probes, which have no certificate")
	case "none":
	default:
		refuse(true, "auth is unknown; wanted one of none, bearer, mtls")
	}
	refuse(s.Auth != "bearer" && len(s.Tokens) > 0, "tokens is set and auth is not bearer, so that they would be without effect")
	refuse(s.Auth != "mtls" && s.ClientCA != "", "client_ca is set and auth is not mtls, so that it would be without effect")
	refuse(s.Auth != "mtls" && len(s.ClientNames) > 0, "client_names is set and auth is not mtls, so that they would be without effect")
	refuse(s.Auth != "bearer" && s.Auth != "mtls" && len(s.Open) > 0, "open is set and auth demands nothing, so that it would be without effect")
	return errors.Join(append(errs, s.checkProbes())...)
}

func (s Settings) checkProbes() error {
	guarded := s.Auth == "bearer" || s.Auth == "mtls"
	switch {
	case s.MetricsAuth && !guarded:
		return errors.New("metrics_auth is set and auth demands nothing; wanted auth: bearer or mtls")
	case s.Probes == "" && s.ProbesTLS:
		return errors.New("probes_tls is set without probes, and would be without effect")
	case s.Probes == "":
		return nil
	case s.Probes == s.Listen && !freePort(s.Probes):
		return errors.New("probes and listen are one address; leave probes away, or name another")
	case s.ProbesTLS && s.Certificate == "":
		return errors.New("probes_tls is set and there is no certificate; wanted certificate and key")
	case s.MetricsAuth && s.Auth == "mtls" && !s.ProbesTLS:
		return errors.New("metrics_auth wants client certificates and probes is plain HTTP; wanted probes_tls: true")
	case s.MetricsAuth && !s.ProbesTLS && !Loopback(s.Probes):
		return errors.New("metrics_auth would send tokens to probes over plain HTTP; wanted probes_tls: true, or an address of loopback")
	}
	return nil
}

// freePort reports whether the system chooses the port.
func freePort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && port == "0"
}

// Loopback reports whether only this machine can reach an address: localhost, or an IP
// address of loopback.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
