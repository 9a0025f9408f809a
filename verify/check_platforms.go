package verify

import "github.com/releaseassay/assay/policy"

// platformsCheck demands that no platform of an index lacks what it needs.
type platformsCheck struct{}

func (platformsCheck) id() string { return "platforms" }

func (platformsCheck) required(policy.Rule) bool { return false }

func (platformsCheck) versions(*question, policy.Tags) ([]string, bool) { return nil, false }

func (platformsCheck) judge(*question) Finding { return Finding{ID: "platforms", Required: true} }
