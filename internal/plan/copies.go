// Copyright 2026 The Tidegate Authors.
// SPDX-License-Identifier: Apache-2.0

package plan

// removable says that nobody but this operator can have made the copy, and that it reaches nobody: the leftover of a
// create that arrived twice (P5).
func (c *Copy) removable() bool { return c.SameName && !c.Unreadable && len(c.Assignments) == 0 }

// copies plans the removal of copies that a repeated create left behind, and reports the others: what has targets or
// another name may be somebody's work (P6). Where nothing is wanted any more the removal comes before that of the policy,
// which is the last thing that tells of its copies.
func (b *builder) copies(l *level) {
	for i := range l.obs.Copies {
		c := &l.obs.Copies[i]
		if c.removable() && l.obs.Exists {
			b.add(stageTidy, removeCopy(&l.obs, c))
			continue
		}
		b.drift(l, MarkerCopied, "policy %q (%s) carries the marker of policy %s and is left alone: delete it, or take the marker out of its description",
			c.Name, c.ID, orUnknown(l.obs.ID))
	}
}

func removeCopy(of *Observed, c *Copy) Action {
	a := newAction(RemoveCopy, of.Key, c.ID, "a second policy with the same marker and name, without assignments: a create arrived twice")
	a.Observed = of
	return a
}

func orUnknown(id string) string {
	if id == "" {
		return "that is not known"
	}
	return id
}
