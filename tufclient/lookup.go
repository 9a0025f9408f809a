package tufclient

import (
	"context"

	"github.com/releaseassay/assay/tufclient/metadata"
)

// Find looks a target up and fetches the delegated metadata on its way, each file once in
// the client's life; after [Client.Load] it makes no request. Its errors are those of
// [Client.Refresh]; a target that is not listed is a *metadata.Error.
func (c *Client) Find(ctx context.Context, path string) (metadata.Target, error) {
	var found metadata.Target
	err := c.look(ctx, func() (need *metadata.Need, err error) {
		found, need, err = c.trusted.Find(path)
		return need, err
	})
	if err != nil {
		return metadata.Target{}, err
	}
	return found, nil
}

// List names targets as [metadata.Trusted.List] does, and fetches what it needs.
func (c *Client) List(ctx context.Context, wants func(string) bool, reach func([]string) bool) ([]string, error) {
	var listing metadata.Listing
	err := c.look(ctx, func() (need *metadata.Need, err error) {
		listing, need, err = c.trusted.List(wants, reach, nil)
		return need, err
	})
	if err != nil {
		return nil, err
	}
	return listing.Paths, nil
}

// look asks again until nothing is needed any more.
func (c *Client) look(ctx context.Context, ask func() (*metadata.Need, error)) error {
	asked := map[[2]string]bool{}
	for {
		need, err := ask()
		if err != nil || need == nil {
			return err
		}
		key := [2]string{need.Delegator, need.Role}
		if asked[key] {
			return &metadata.Error{Kind: metadata.Order, Role: need.Role, Wanted: "to go on", Found: "a role that is needed twice"}
		}
		asked[key] = true
		if err := c.supply(ctx, need); err != nil {
			return err
		}
	}
}

// supply gives the state machine a delegated role (5.6.7.1): the file of this run, else the one
// that is kept, else the repository's.
func (c *Client) supply(ctx context.Context, need *metadata.Need) error {
	if b, ok := c.read[need.Role]; ok {
		return c.delegated(b, need)
	}
	name, limit := roleFile(need.Role), c.options.Limits.TargetsBytes
	kept := c.store.read(name, limit)
	err := error(nil)
	if kept != nil {
		if err = c.trusted.UpdateDelegated(kept, need.Role, need.Delegator); err == nil {
			c.take(kept, need)
			return nil
		}
	}
	if c.offline {
		if telling(err) {
			c.raw.Delegated = append(c.raw.Delegated, RawDelegated{need.Role, need.Delegator, kept})
			return err
		}
		return c.notKept(name, err)
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.recall(); err != nil {
		return err
	}
	b, err := c.fetchRole(ctx, need.Role, need.Version, need.Length, limit)
	if err != nil {
		return err
	}
	c.read[need.Role] = b
	if err := c.delegated(b, need); err != nil {
		return err
	}
	return c.keep(name, b)
}

// delegated verifies a file for one delegator.
func (c *Client) delegated(b []byte, need *metadata.Need) error {
	err := c.trusted.UpdateDelegated(b, need.Role, need.Delegator)
	if err != nil {
		c.raw.Delegated = append(c.raw.Delegated, RawDelegated{need.Role, need.Delegator, b})
		return err
	}
	c.take(b, need)
	return nil
}

// take notes a file that was verified.
func (c *Client) take(b []byte, need *metadata.Need) {
	c.read[need.Role] = b
	c.raw.Delegated = append(c.raw.Delegated, RawDelegated{need.Role, need.Delegator, b})
}
