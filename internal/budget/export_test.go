package budget

// Hosts is how many hosts are remembered.
func (r *Rate) Hosts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.hosts)
}
