package cases

import (
	"strings"

	"github.com/releaseassay/assay/internal/lab"
)

// addresses are references to places at which nobody keeps a registry. Where the place is this machine, a good release
// lies there for who goes and looks.
func addresses() []Case {
	insecure, noRule := CannotTell("signature", "registry.insecure"), Fails("policy", "policy.no_rule")
	const anywhere = "A gate that asks whomever a request names can be sent into the network that it stands in."
	var out []Case
	for _, a := range []struct {
		words, host, shows, why string
		// ruled says that the policy has a rule for the place.
		ruled bool
		want  Want
	}{
		{"metadata address", "169.254.169.254", "The image is said to lie where the cloud tells a machine its secrets.", anywhere, false, noRule},
		{"metadata address that a rule covers", "169.254.169.254", "The policy's rule is so wide that it covers where the cloud tells a machine its secrets.", "", true, insecure},
		{"metadata address written as IPv6", "[::ffff:169.254.169.254]", "The address at which the cloud tells a machine its secrets is written as one of IPv6, and a rule covers it.", "", true, insecure},
		{"link-local address of IPv6", "[fe80::1]:PORT", "The image is said to lie at a link-local address of IPv6 that a rule covers.", "", true, insecure},
		{"metadata address of another cloud", "100.100.100.200", "The image is said to lie where another cloud tells a machine its secrets, which is no link-local address, and a rule covers it.", "", true, insecure},
		{"metadata address of a cloud by IPv6", "[fd00:ec2::254]", "The image is said to lie where a cloud tells a machine its secrets by IPv6, and a rule covers it.", "", true, insecure},
		{"metadata address through a translator", "[64:ff9b::a9fe:a9fe]", "The address is one that a network translates to where the cloud tells a machine its secrets, and a rule covers it.", "", true, insecure},
		{"metadata address with fewer dots", "169.254.43518", "The address at which the cloud tells a machine its secrets is written as old programs allow, and a rule covers it.", "", true, insecure},
		{"group address", "224.0.0.1:PORT", "The image is said to lie at an address of a group of machines that a rule covers.", "", true, insecure},
		{"localhost", "localhost:PORT", "The image is said to lie at a service of the machine that the gate runs on.", anywhere, false, noRule},
		{"this machine as IPv6", "[::ffff:127.0.0.1]:PORT", "The address of the machine that the gate runs on is written as one of IPv6.", anywhere, false, noRule},
		{"this machine by another address", "127.0.0.2:PORT", "The image is said to lie at another loopback address of the machine that the gate runs on.", anywhere, false, noRule},
		{"unspecified address", "0.0.0.0:PORT", "The image is said to lie at 0.0.0.0, which is this machine by another name, and a rule covers it.", "", true, insecure},
		{"unspecified address of IPv6", "[::]:PORT", "The image is said to lie at the unspecified address of IPv6, which is this machine by another name, and a rule covers it.", "", true, insecure},
		{"page for an image", "http://169.254.169.254", "The address of a web page is given for an image.", "", false, Rejected()},
		{"file for an image", "docker-archive:/etc", "The name of a file is given for an image.", "", false, Rejected()},
		{"password in the name", "lab:open-sesame@127.0.0.1:PORT", "The image's name has a user and a password before the host.", "", false, Rejected()},
	} {
		out = append(out, Case{
			ID: slug(33, a.words), Class: 33, Shows: a.shows, Why: a.why, Want: a.want, PolicyOnly: a.want == noRule,
			Build: func(b *Bench) error { return b.elsewhere(a.host, a.ruled) },
		})
	}
	return out
}

// elsewhere asks for a good release at a host that stands for a registry of the case's own. PORT is that registry's.
func (b *Bench) elsewhere(host string, ruled bool) error {
	own, err := b.UseRegistry(lab.RegistryOptions{Clock: b.site.opts.Clock})
	if err != nil {
		return err
	}
	r, err := b.Good()
	if err != nil {
		return err
	}
	if err := b.Push(r); err != nil {
		return err
	}
	_, port, _ := strings.Cut(own.Host(), ":")
	_, path, _ := strings.Cut(b.Repository, "/")
	image := strings.Replace(host, "PORT", port, 1) + "/" + path
	if ruled {
		b.Match(image)
	}
	b.Ask(Act{Image: image + ":" + r.Tag})
	return nil
}
