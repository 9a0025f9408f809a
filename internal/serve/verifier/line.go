package verifier

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
)

// errBusy is why there is no turn: the line is full, or it was too long.
var errBusy = errors.New("the server has as many verifications at once as it takes, and no more may wait")

// party is for whom there are turns: a client, and the namespace that it asks for, since
// one API server asks for all of a cluster.
type party struct{ client, namespace string }

// line lets in so many at once, and makes a bounded number of others wait. Whoever has
// the fewest turns is the next, and then who came first, so that one party that asks
// about thousands of images keeps no other from a turn. One turn at least is left to others.
type line struct {
	turns, each, most int

	mu      sync.Mutex
	inside  int
	clients map[string]int
	parties map[party]int
	queue   []*turn // in the order of their coming
}

// turn is one that is waited for.
type turn struct {
	party
	granted chan bool // gets one value: false is that it had to make room
}

func newLine(turns, waiting int) *line {
	return &line{turns: turns, each: max(turns-1, 1), most: waiting, clients: map[string]int{}, parties: map[party]int{}}
}

// enter waits for a turn, which ends with leave.
func (l *line) enter(ctx context.Context, who party) (leave func(), err error) {
	leave = func() { l.leave(who) }
	l.mu.Lock()
	if l.room(who) {
		l.take(who)
		l.mu.Unlock()
		return leave, nil
	}
	if len(l.queue) >= l.most && !l.displace(who) {
		l.mu.Unlock()
		return nil, errBusy
	}
	t := &turn{who, make(chan bool, 1)}
	l.queue = append(l.queue, t)
	l.mu.Unlock()
	granted := false
	select {
	case granted = <-t.granted:
	case <-ctx.Done():
		granted = l.givenUp(t)
	}
	if !granted {
		return nil, errBusy
	}
	return leave, nil
}

// room reports whether a party may have a turn. Nobody who could have one ever waits, so
// that whoever comes next takes it from none.
func (l *line) room(who party) bool { return l.inside < l.turns && l.parties[who] < l.each }

func (l *line) take(who party) {
	l.inside++
	l.clients[who.client]++
	l.parties[who]++
}

// leave ends a turn, and gives those that are free to the next.
func (l *line) leave(who party) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inside--
	if l.clients[who.client]--; l.clients[who.client] == 0 {
		delete(l.clients, who.client)
	}
	if l.parties[who]--; l.parties[who] == 0 {
		delete(l.parties, who)
	}
	for i := l.next(); i >= 0; i = l.next() {
		t := l.queue[i]
		l.queue = slices.Delete(l.queue, i, i+1)
		l.take(t.party)
		t.granted <- true
	}
}

// next is the place in the queue of whose turn it is, -1 for nobody's.
func (l *line) next() int {
	best := -1
	for i, t := range l.queue {
		if l.room(t.party) && (best < 0 || l.fewer(t.party, l.queue[best].party)) {
			best = i
		}
	}
	return best
}

// fewer reports whether a party's client has fewer turns than another's, or it has itself.
func (l *line) fewer(a, b party) bool {
	if n, m := l.clients[a.client], l.clients[b.client]; n != m {
		return n < m
	}
	return l.parties[a] < l.parties[b]
}

// displace makes room in a full queue by sending away the last to come of the party that
// waits for most turns, of the client that does: names of namespaces are free to whoever
// asks. It is false where that is no other, or has as few.
func (l *line) displace(who party) bool {
	clients, parties := map[string]int{}, map[party]int{}
	for _, t := range l.queue {
		clients[t.client]++
		parties[t.party]++
	}
	last := -1
	for i, t := range l.queue {
		more := parties[t.party] > parties[who]+1
		if t.client != who.client {
			more = clients[t.client] > clients[who.client]+1
		}
		if !more {
			continue
		}
		if last >= 0 {
			of := l.queue[last].party
			if cmp.Or(cmp.Compare(clients[t.client], clients[of.client]), cmp.Compare(parties[t.party], parties[of])) < 0 {
				continue
			}
		}
		last = i
	}
	if last < 0 {
		return false
	}
	l.queue[last].granted <- false
	l.queue = slices.Delete(l.queue, last, last+1)
	return true
}

// givenUp takes a turn out of the queue. It reports whether it was granted meanwhile.
func (l *line) givenUp(t *turn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.queue, t); i >= 0 {
		l.queue = slices.Delete(l.queue, i, i+1)
		return false
	}
	return <-t.granted
}
