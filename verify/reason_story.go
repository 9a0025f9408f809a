package verify

// Codes of the check "consistency".
const (
	// ConsistencyDisagreement is a claim on which two sources that count differ.
	ConsistencyDisagreement Code = "consistency.disagreement"
	// ConsistencyNothingToCompare is a claim that the policy requires and that fewer than
	// two sources make, or evidence of which fewer than two pieces say anything.
	ConsistencyNothingToCompare Code = "consistency.nothing_to_compare"
)

// storyReasons explain codes.
func storyReasons() []Reason {
	return []Reason{
		{ConsistencyDisagreement, "Each piece of evidence is valid by itself, and two of them tell of different releases.", "do not run the image before you know why: the table says where each value stands; an image that was copied from elsewhere needs mirrors: in the policy"},
		{ConsistencyNothingToCompare, "Too few pieces of evidence say anything of what the policy compares.", "add the evidence that is missing, name where it has the claim (metadata:), or demand the claim no more (consistency.required)"},
	}
}
