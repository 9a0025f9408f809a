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

// nowhere reports whether no registry can be at an address: link-local, multicast and
// unspecified ones, those of a cloud's metadata, and what leads to one of them.
func nowhere(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified() || slices.Contains(metadataAddresses, addr) {
		return true
	}
	inner, ok := embedded(addr)
	return ok && nowhere(inner)
}

// embedded returns the address of IPv4 to which a network may translate one of IPv6: NAT64's
// (RFC 6052), 6to4's (RFC 3056), and the old compatible ones (RFC 4291, 2.5.5.1).
func embedded(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() || addr == netip.IPv6Loopback() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(addr), netip.MustParsePrefix("::/96").Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case netip.MustParsePrefix("2002::/16").Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}

// forbidden reports whether host, without port, names such an address by itself, or is a number
// that some resolvers take for an address: "0xa9fea9fe", "2852039166" or "169.254.43518". No
// domain ends in a number.
func forbidden(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if addr, err := netip.ParseAddr(host); err == nil {
		return nowhere(addr)
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
