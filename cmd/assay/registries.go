package main

import (
	"crypto/x509"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/releaseassay/assay/internal/budget"
	"github.com/releaseassay/assay/internal/config"
	"github.com/releaseassay/assay/internal/credentials"
	"github.com/releaseassay/assay/internal/registry"
)

// configFlag names the configuration of registries. Every command that talks to
// registries has it.
func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Usage: "read how registries are reached and logged in to from `FILE`"}
}

// registryOptions reads the configuration, and says how to talk to registries for one
// verification. Its error is one of configuration.
func registryOptions(c *cli.Context, w world) (registry.Options, error) {
	settings, err := config.Load(config.Find(c.String("config"), w.getenv, os.UserConfigDir))
	if err != nil {
		return registry.Options{}, usagef("%w", err)
	}
	network, err := networkOf(settings)
	if err != nil {
		return registry.Options{}, usagef("%w", err)
	}
	transport := network.Transport()
	limits := budget.Default()
	limits.Time = c.Duration("timeout")
	return registry.Options{
		Keychain:  credentials.Keychain(credentials.Options{Logins: logins(settings), Getenv: w.getenv, Transport: transport}),
		Transport: transport,
		PlainHTTP: c.Bool("plain-http"),
		Hosts:     hosts(settings),
		Budget:    budget.New(limits, budget.Clock{}),
		UserAgent: "assay/" + version,
	}, nil
}

// networkOf reads the CAs of all hosts.
func networkOf(settings config.Config) (registry.Network, error) {
	n := registry.Network{Roots: map[string]*x509.CertPool{}, Proxy: settings.Proxy}
	for _, r := range settings.Registries {
		if r.CA == "" {
			continue
		}
		roots, err := r.Roots()
		if err != nil {
			return n, err
		}
		n.Roots[r.Host] = roots
	}
	return n, nil
}

// logins are the credentials of the configuration; passwords are read when they are needed.
func logins(settings config.Config) map[string]credentials.Login {
	all := map[string]credentials.Login{}
	for _, r := range settings.Registries {
		if r.Anonymous || r.Username != "" {
			all[r.Host] = credentials.Login{Anonymous: r.Anonymous, Username: r.Username, Password: r.Password}
		}
	}
	return all
}

func hosts(settings config.Config) map[string]registry.Host {
	all := map[string]registry.Host{}
	for _, r := range settings.Registries {
		all[r.Host] = registry.Host{PlainHTTP: r.PlainHTTP, Mirrors: r.Mirrors}
	}
	return all
}
