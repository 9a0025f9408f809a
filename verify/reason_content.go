package verify

// contentReasons explain codes.
func contentReasons() []Reason { return nil }
