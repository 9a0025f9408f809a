package registry

import (
	"net/netip"
	"slices"
	"strings"
)

// metadataAddresses are where clouds tell machines their secrets beside the link-local
// addresses: Amazon and Google by IPv6, Alibaba, Azure, and Oracle's older cloud.
var metadataAddresses = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),
	netip.MustParseAddr("fd20:ce::254"),
	netip.MustParseAddr("100.100.100.200"),
	netip.MustParseAddr("168.63.129.16"),
	netip.MustParseAddr("192.0.0.192"),
}

// metadataNames are the names that clouds give it. Behind a proxy they are all that is seen.
var metadataNames = []string{"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"}

// unrouted are the networks that are not globally reachable, by IANA's registries of
// special-purpose addresses (RFC 6890): private and shared ones (RFC 1918, 6598, 4193),
// those for documentation and tests, and what is reserved. Loopback, link-local and
// multicast ones are sites of their own.
var unrouted = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16", "fc00::/7", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// site is where an address leads, the nearest last.
type site uint8

const (
	public site = iota
	private
	local
	never // no registry is there
)

// siteOf is the nearest site of an address and of all that it may be translated to.
func siteOf(addr netip.Addr) site {
	addr = addr.Unmap().WithZone("")
	k := public
	switch {
	case addr.IsLinkLocalUnicast(), addr.IsMulticast(), addr.IsUnspecified(), slices.Contains(metadataAddresses, addr):
		return never
	case addr.IsLoopback():
		k = local
	case slices.ContainsFunc(unrouted, func(p netip.Prefix) bool { return p.Contains(addr) }):
		k = private
	}
	for _, inner := range embedded(addr) {
		k = max(k, siteOf(inner))
	}
	return k
}

// nowhere reports whether no registry can be at an address: link-local, multicast and
// unspecified ones, those of a cloud's metadata, and what leads to one of them.
func nowhere(addr netip.Addr) bool { return siteOf(addr) == never }

// embedded returns the addresses of IPv4 to which a network may translate one of IPv6: NAT64's
// (RFC 6052, 8215), 6to4's (RFC 3056), ISATAP's (RFC 5214), Teredo's (RFC 4380), and the old
// compatible and translated ones (RFC 4291, 2.5.5.1; RFC 2765).
func embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() || addr == netip.IPv6Loopback() {
		return nil
	}
	b := addr.As16()
	last := netip.AddrFrom4([4]byte(b[12:]))
	in := func(prefix string) bool { return netip.MustParsePrefix(prefix).Contains(addr) }
	switch {
	case in("64:ff9b::/96"), in("::/96"), in("::ffff:0:0:0/96"):
		return []netip.Addr{last}
	case in("64:ff9b:1::/48"):
		return locallyTranslated(b)
	case in("2002::/16"):
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}
	case in("2001::/32"):
		return []netip.Addr{netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})}
	case b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return []netip.Addr{last}
	}
	return nil
}

// locallyTranslated are what RFC 6052, 2.2, makes of an address for each length that the
// prefix may have below 64:ff9b:1::/48. Where nothing is written there is no address.
func locallyTranslated(b [16]byte) []netip.Addr {
	var all []netip.Addr
	for _, at := range [][4]int{{6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}} {
		inner := netip.AddrFrom4([4]byte{b[at[0]], b[at[1]], b[at[2]], b[at[3]]})
		if !inner.IsUnspecified() {
			all = append(all, inner)
		}
	}
	return all
}

// forbidden reports whether host, without port, names such an address by itself, or is a number
// that some resolvers take for an address: "0xa9fea9fe", "2852039166" or "169.254.43518". No
// domain ends in a number.
func forbidden(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return nowhere(addr)
	}
	if slices.Contains(metadataNames, host) {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	digits := "0123456789"
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		last, digits = hex, "0123456789abcdef"
		if hex == "" {
			return true
		}
	}
	return last != "" && strings.Trim(last, digits) == ""
}
