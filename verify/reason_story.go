package verify

// storyReasons explain codes.
func storyReasons() []Reason { return nil }
