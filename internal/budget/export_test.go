package budget

// Hosts is how many hosts are remembered.
func (r *Rate) Hosts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.hosts)
}

// InRoom is how many turns are held.
func InRoom(r *Room) int { return len(r.turns) }
