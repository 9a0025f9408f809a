package cases

import (
	"github.com/releaseassay/assay/internal/lab"
)

// Listing is the content of cases.json: what a program needs to put every case to a gate.
type Listing struct {
	// Control is the address at which acts are announced; see [Listed]. It is empty where nobody listens.
	Control string `json:"control,omitempty"`
	// Source are the facts of every good release, for the command lines of other tools.
	Source ListedSource `json:"source"`
	// Policy and TrustedRoot are what most cases are judged by, relative to the folder of the list.
	Policy      string   `json:"policy"`
	TrustedRoot string   `json:"trusted_root"`
	Docker      string   `json:"docker_config"`
	Cases       []Listed `json:"cases"`
}

// ListedSource says who released the good releases.
type ListedSource struct {
	Repository string `json:"repository"`
	Ref        string `json:"ref"`
	Commit     string `json:"commit"`
	Issuer     string `json:"issuer"`
	Identity   string `json:"identity"`
	Builder    string `json:"builder"`
}

// Listed is one case. Before each of its acts whoever asks sends a POST to CONTROL/cases/ID/acts/N, with N from 0, which
// makes the world as that act needs it.
type Listed struct {
	ID          string   `json:"id"`
	Class       int      `json:"class"`
	Advisories  []string `json:"advisories,omitempty"`
	Shows       string   `json:"shows"`
	Why         string   `json:"why,omitempty"`
	Image       string   `json:"image"`
	Wanted      Want     `json:"wanted"`
	Policy      string   `json:"policy"`
	TrustedRoot string   `json:"trusted_root"`
	Slow        bool     `json:"slow,omitempty"`
	// PolicyOnly says that a gate which does not read the case's policy has nothing to refuse.
	PolicyOnly bool `json:"policy_only,omitempty"`
	// Env are variables, as KEY=VALUE, that assay needs to reach all of the case.
	Env  []string    `json:"env,omitempty"`
	Acts []ListedAct `json:"acts"`
}

// ListedAct is one question.
type ListedAct struct {
	Image  string   `json:"image"`
	Args   []string `json:"args,omitempty"`
	Wanted Want     `json:"wanted"`
	// Policy stands in for the case's own.
	Policy string `json:"policy,omitempty"`
	AtOnce int    `json:"at_once,omitempty"`
	// Turns says that the world changes before the question.
	Turns bool `json:"turns,omitempty"`
}

// Listing lists the site's cases.
func (s *Site) Listing(control string) Listing {
	out := Listing{
		Control: control, Policy: PolicyFile, TrustedRoot: TrustedRootFile, Docker: DockerFolder,
		Source: ListedSource{
			Repository: lab.DefaultRepo, Ref: lab.DefaultRef, Commit: lab.DefaultCommit, Issuer: lab.GitHubIssuer,
			Identity: lab.GitHub(lab.DefaultRepo, lab.DefaultRef, lab.DefaultCommit, lab.DefaultWorkflow).SAN,
			Builder:  "https://github.com/" + lab.GeneratorRepository + "/" + lab.ContainerGenerator + "@" + lab.GeneratorRef,
		},
	}
	for _, q := range s.Questions {
		last := q.Last()
		l := Listed{
			ID: q.Case.ID, Class: q.Case.Class, Advisories: q.Case.Advisories, Shows: q.Case.Shows, Why: q.Case.Why,
			Image: last.Image, Wanted: last.Want, Policy: q.Policy, TrustedRoot: q.TrustedRoot, Slow: q.Case.Slow, PolicyOnly: q.Case.PolicyOnly, Env: q.Env,
		}
		for _, a := range q.Acts {
			la := ListedAct{Image: a.Image, Args: a.Args, Wanted: a.Want, Policy: a.Policy, Turns: a.Turn != nil}
			if a.AtOnce > 1 {
				la.AtOnce = a.AtOnce
			}
			l.Acts = append(l.Acts, la)
		}
		out.Cases = append(out.Cases, l)
	}
	return out
}
