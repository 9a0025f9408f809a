package report

// The members of SARIF 2.1.0 that a report has, named as in the standard:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. The comments give
// its sections.

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// sarifLog is the document (3.13).
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

// sarifRun is one verdict (3.14).
type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Results     []sarifResult     `json:"results"`
	Properties  sarifStanding     `json:"properties"`
}

// sarifStanding is a property bag (3.8): what the verdict is beside its results.
type sarifStanding struct {
	Verdict      string `json:"verdict"`
	Conclusive   bool   `json:"conclusive"`
	Hypothetical bool   `json:"hypothetical"`
	Enforced     *bool  `json:"enforced,omitempty"`
	Excepted     bool   `json:"excepted"`
	Image        string `json:"image"`
	Policy       string `json:"policy"`
	PolicyDigest string `json:"policyDigest"`
	Rule         string `json:"rule,omitempty"`
}

// sarifTool and sarifDriver are this program (3.18, 3.19).
type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name            string      `json:"name"`
	InformationURI  string      `json:"informationUri"`
	Version         string      `json:"version,omitempty"`
	SemanticVersion string      `json:"semanticVersion,omitempty"`
	Rules           []sarifRule `json:"rules"`
}

// sarifRule is a reportingDescriptor (3.49), sarifConfiguration its default (3.50).
type sarifRule struct {
	ID            string             `json:"id"`
	Short         sarifText          `json:"shortDescription"`
	Full          sarifText          `json:"fullDescription"`
	Help          sarifText          `json:"help"`
	HelpURI       string             `json:"helpUri"`
	Configuration sarifConfiguration `json:"defaultConfiguration"`
	Properties    sarifTags          `json:"properties"`
}

type sarifConfiguration struct {
	Level string `json:"level"`
}

type sarifTags struct {
	Tags []string `json:"tags"`
}

// sarifText is a message (3.11), or a text in several forms (3.12) of which this is one.
type sarifText struct {
	Text string `json:"text"`
}

// sarifInvocation is the run of the program (3.20), sarifNotification what it met (3.58).
type sarifInvocation struct {
	Successful    bool                `json:"executionSuccessful"`
	Execution     []sarifNotification `json:"toolExecutionNotifications,omitempty"`
	Configuration []sarifNotification `json:"toolConfigurationNotifications,omitempty"`
}

type sarifNotification struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

// sarifResult is one check that is not a pass (3.27).
type sarifResult struct {
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifText         `json:"message"`
	Locations    []sarifLocation   `json:"locations"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Properties   sarifCheck        `json:"properties"`
}

type sarifCheck struct {
	Check string `json:"check,omitempty"`
}

// sarifLocation is the image (3.28): its name as a path (3.29, 3.4), and the pinned
// reference as a logical location (3.33).
type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

// sarifRegion is the first column of the first line (3.30): an image has no others.
type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndLine     int `json:"endLine"`
	EndColumn   int `json:"endColumn"`
}

type sarifLogical struct {
	Name               string `json:"name,omitempty"`
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}
