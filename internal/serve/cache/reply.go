package cache

import (
	"errors"
	"net"
	"strconv"
)

const (
	// maxLine is the length of a reply's line at most, maxItems that of a list.
	maxLine  = 4 << 10
	maxItems = 64
)

// errReply is a server that says it will send more than anybody asked for.
var errReply = errors.New("the store announces a reply larger than any that is read")

// boundedConn breaks a connection on which a reply announces more than is ever asked
// for: whoever reads it would make room first.
type boundedConn struct {
	net.Conn
	limit int64 // of one string, in bytes
	line  []byte
	skip  int64 // bytes of a string that are still to come, with its end of line
	bad   bool
}

// Read implements net.Conn. It gives nothing on that was not looked at.
func (c *boundedConn) Read(b []byte) (int, error) {
	if c.bad {
		return 0, errReply
	}
	n, err := c.Conn.Read(b)
	if !c.follow(b[:n]) {
		c.bad = true
		return 0, errReply
	}
	return n, err
}

// follow keeps track of the replies in the stream, and is false at one that is too large.
func (c *boundedConn) follow(b []byte) bool {
	for len(b) > 0 {
		if c.skip > 0 {
			n := min(c.skip, int64(len(b)))
			c.skip, b = c.skip-n, b[n:]
			continue
		}
		if b[0] != '\n' {
			if c.line = append(c.line, b[0]); len(c.line) > maxLine {
				return false
			}
			b = b[1:]
			continue
		}
		b = b[1:]
		ok := c.begin()
		c.line = c.line[:0]
		if !ok {
			return false
		}
	}
	return true
}

// begin reads the first line of a reply, without its \n.
func (c *boundedConn) begin() bool {
	if len(c.line) < 2 || c.line[len(c.line)-1] != '\r' {
		return false
	}
	what, text := c.line[0], string(c.line[1:len(c.line)-1])
	switch what {
	case '+', '-', ':', '_', '#', ',':
		return true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < -1 {
		return false
	}
	switch what {
	case '$', '!', '=':
		if n >= 0 {
			c.skip = n + 2
		}
		return n <= c.limit
	case '*', '%', '~', '>', '|':
		return n <= maxItems
	}
	return false
}
