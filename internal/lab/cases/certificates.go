package cases

import "slices"

// certificates: classes 10 and 11.
func certificates() []Case {
	return slices.Concat(rawKeys(), borrowedCertificates(), unfitLeaves(), strangeChains(), doubtfulNames(), outOfTime(), agedLeaves())
}
