package verify

import "github.com/releaseassay/assay/policy"

// consistencyCheck demands that all evidence tells one story.
type consistencyCheck struct{}

func (consistencyCheck) id() string { return "consistency" }

func (consistencyCheck) required(policy.Rule) bool { return false }

func (consistencyCheck) versions(*question, policy.Tags) ([]string, bool) { return nil, false }

func (consistencyCheck) judge(*question) Finding { return Finding{ID: "consistency", Required: true} }
