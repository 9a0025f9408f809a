package lab

import (
	"bytes"
	"fmt"
	"time"

	protorekor "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
)

// logConfig says how a signature is logged.
type logConfig struct {
	none, v2, noSET, noProof, corruptSET, corruptProof, unknown, impostor, twice, both bool
	origin                                                                             string
	kind                                                                               EntryKind
	otherStatement                                                                     []byte
	rawBody                                                                            []byte
}

// logContent logs what a bundle signs, or what it pretends to sign.
func (s *Signer) logContent(c content, at time.Time, cfg bundleConfig) ([]*protorekor.TransparencyLogEntry, error) {
	if cfg.log.otherStatement != nil {
		var err error
		if c, err = s.signContent(cfg.log.otherStatement, cfg); err != nil {
			return nil, err
		}
	}
	entry, err := s.entryOf(c, cfg.log)
	if err != nil {
		return nil, err
	}
	configs := []logConfig{cfg.log}
	if cfg.log.twice {
		configs = append(configs, cfg.log)
	}
	var out []*protorekor.TransparencyLogEntry
	for _, lc := range configs {
		logged, err := s.sigstore.record(entry, at, lc)
		if err != nil {
			return nil, err
		}
		out = append(out, logged)
	}
	if !cfg.log.both {
		return out, nil
	}
	if entry, err = tileEntry(c.message, c.signature, s); err != nil {
		return nil, err
	}
	logged, err := s.sigstore.record(entry, at, logConfig{v2: true})
	return append(out, logged), err
}

// entryOf encodes the log entry for content.
func (s *Signer) entryOf(c content, cfg logConfig) (logEntry, error) {
	var entry logEntry
	var err error
	switch {
	case cfg.v2:
		entry, err = tileEntry(c.message, c.signature, s)
	case c.envelope == nil:
		entry, err = hashedEntry(c.message, c.signature, s.verifierPEM())
	default:
		entry, err = dsseEntry(cfg.kind, *c.envelope, s.verifierPEM())
	}
	if cfg.rawBody != nil {
		entry.body = cfg.rawBody
	}
	return entry, err
}

// record logs an entry and then spoils the result as the configuration asks.
func (s *Sigstore) record(entry logEntry, at time.Time, cfg logConfig) (*protorekor.TransparencyLogEntry, error) {
	var out *protorekor.TransparencyLogEntry
	var err error
	if cfg.v2 {
		out, err = s.recordV2(entry, cfg)
	} else {
		out, err = s.recordV1(entry, at, cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("log entry: %w", err)
	}
	if cfg.corruptSET && out.InclusionPromise != nil {
		flip(out.InclusionPromise.SignedEntryTimestamp)
	}
	if cfg.corruptProof {
		for i, h := range out.InclusionProof.Hashes {
			out.InclusionProof.Hashes[i] = bytes.Clone(h) // the tree keeps its own
			flip(out.InclusionProof.Hashes[i])
		}
	}
	if cfg.noSET {
		out.InclusionPromise = nil
	}
	if cfg.noProof {
		out.InclusionProof = nil
	}
	return out, nil
}

func (s *Sigstore) recordV1(entry logEntry, at time.Time, cfg logConfig) (*protorekor.TransparencyLogEntry, error) {
	log := s.rekor1
	if cfg.unknown || cfg.impostor {
		var err error
		if log, err = newRekorV1(log.host); err != nil {
			return nil, err
		}
	}
	if cfg.impostor {
		log.id = s.rekor1.id
	}
	return log.add(entry, at, cfg.origin)
}

func (s *Sigstore) recordV2(entry logEntry, cfg logConfig) (*protorekor.TransparencyLogEntry, error) {
	log := s.rekor2
	if cfg.unknown || cfg.impostor {
		var err error
		if log, err = newRekorV2(log.host); err != nil {
			return nil, err
		}
	}
	if cfg.impostor {
		log.id = s.rekor2.id
	}
	return log.add(entry, cfg.origin)
}

// flip changes the last byte in place.
func flip(b []byte) {
	if len(b) > 0 {
		b[len(b)-1] ^= 0xff
	}
}
