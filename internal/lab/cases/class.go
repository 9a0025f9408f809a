package cases

// classes names the classes of the catalogue of attacks.
var classes = [...]string{
	0:  "a good release",
	1:  "nothing attached, or a leg missing",
	2:  "another predicate in the signature's place",
	3:  "an identity that nearly matches",
	4:  "the right workflow under the wrong issuer",
	5:  "the right repository, the wrong event or ref",
	6:  "a reusable workflow and its caller confused",
	7:  "a repository made again by somebody else",
	8:  "a runner or a visibility that was not asked for",
	9:  "a demand that must not be ignored",
	10: "a key or a false certificate in the certificate's place",
	11: "an authority or a log outside its validity",
	12: "malformed evidence",
	13: "a log entry of something else",
	14: "a false proof, or an unknown log",
	15: "one log counted twice",
	16: "a false timestamp",
	17: "the clock",
	18: "another subject",
	19: "an envelope that says two things",
	20: "a predicate type that nearly matches",
	21: "an index and its images",
	22: "provenance against its certificate",
	23: "evidence of several releases",
	24: "provenance whose parameters tell another story",
	25: "a bill of materials that says nothing, or lies",
	26: "scans and exploitability statements",
	27: "a registry that answers differently",
	28: "bytes that are not what was promised",
	29: "endless data",
	30: "a failure that looks like absence",
	31: "a poisoned list of referrers",
	32: "credentials that leave home",
	33: "requests into the inside of a network",
	34: "TUF metadata that is forged, old or mixed",
	35: "everything is valid and nobody released it",
	36: "released once, and not any more",
	37: "an image that carries its own verdict",
	38: "a reference that means another image",
	39: "an answer remembered for another question",
	40: "many questions at once, and hostile text",
}

// ClassName is what a class is about; empty for a number that is none.
func ClassName(class int) string {
	if class < 0 || class >= len(classes) {
		return ""
	}
	return classes[class]
}

// Classes is how many there are, without the good releases.
func Classes() int { return len(classes) - 1 }
