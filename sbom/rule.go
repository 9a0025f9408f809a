package sbom

// Violation is one thing that is wrong with a document.
type Violation struct {
	// Rule is one of the Rule constants.
	Rule string `json:"rule"`
	// Component is the name and version of the component, or empty where the
	// document as a whole is meant.
	Component string `json:"component,omitempty"`
	// Path is a JSON Pointer to the place, as [Component.Path].
	Path    string `json:"path,omitempty"`
	Problem string `json:"problem"`
}

// Names of rules, as a [Violation] has them.
const (
	RuleSchema           = "schema"
	RuleDeniedLicense    = "denied-license"
	RuleRequiredLicense  = "required-license"
	RuleDeniedComponent  = "denied-component"
	RuleMinComponents    = "min-components"
	RuleNTIA             = "ntia"
	RulePURLCoverage     = "purl-coverage"
	RuleHashCoverage     = "hash-coverage"
	RuleUnknownVersions  = "unknown-versions"
	RuleAge              = "age"
	RuleDescribesSubject = "describes-subject"
)

// MaxViolations is how many violations a rule about shares, or a schema, lists.
const MaxViolations = 100

// String returns the violation in one line.
func (v Violation) String() string {
	s := v.Rule + ": "
	if v.Component != "" {
		s += v.Component
		if v.Path != "" {
			s += " (" + v.Path + ")"
		}
		s += ": "
	} else if v.Path != "" {
		s += v.Path + ": "
	}
	return s + v.Problem
}

// about returns a violation of rule by a component.
func about(rule string, c *Component, problem string) Violation {
	return Violation{Rule: rule, Component: c.label(), Path: c.Path, Problem: problem}
}

// label returns what to call a component.
func (c *Component) label() string {
	name := c.Name
	if c.Group != "" {
		name = c.Group + "/" + name
	}
	if c.PURL != "" {
		return c.PURL
	}
	if c.Version != "" {
		name += "@" + c.Version
	}
	if name == "" {
		return "(no name)"
	}
	return name
}
