package verify

// modeReasons explain codes.
func modeReasons() []Reason { return nil }
