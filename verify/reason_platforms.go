package verify

// platformReasons explain codes.
func platformReasons() []Reason { return nil }
