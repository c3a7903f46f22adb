// Judge is an independent reader of our log, made of Go's golang.org/x/mod/sumdb/{note,tlog}.
//
//	judge vectors            writes known answers for trees, tiles and a checkpoint as JSON
//	judge proofs             reads proofs as JSON lines and says of each "ok" or why not
//	judge log FOLDER VKEY    checks an unpacked export: checkpoint, tiles, every entry
//
// It shares no code with the ledger.
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const vectorOrigin = "tenge.sandbox/AAECAwQFBgcICQoLDA0ODw"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "vectors" {
		vectors()
	} else if len(os.Args) == 2 && os.Args[1] == "proofs" {
		proofs()
	} else if len(os.Args) == 4 && os.Args[1] == "log" {
		checkLog(os.Args[2], os.Args[3])
	} else {
		panic("judge vectors | judge proofs | judge log FOLDER VKEY")
	}
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// tree holds every stored hash of a tree whose leaf i is the text "leaf i".
type tree struct{ hashes []tlog.Hash }

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		found[i] = t.hashes[x]
	}
	return found, nil
}

func hexes(hashes []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, hex.EncodeToString(hash[:]))
	}
	return texts
}

func vectors() {
	const size = 70000
	grown := &tree{}
	for i := int64(0); i < size; i++ {
		stored, err := tlog.StoredHashes(i, []byte(fmt.Sprintf("leaf %d", i)), grown)
		must(err)
		grown.hashes = append(grown.hashes, stored...)
	}
	sizes := []int64{}
	for i := int64(0); i <= 20; i++ {
		sizes = append(sizes, i)
	}
	sizes = append(sizes, 255, 256, 257, 1000, 65536, 70000)
	roots := map[int64]string{}
	rootAt := map[int64]tlog.Hash{}
	inclusion, consistency := []any{}, []any{}
	for _, n := range sizes {
		root, err := tlog.TreeHash(n, grown)
		must(err)
		if n == 0 {
			root = sha256.Sum256(nil)
		}
		rootAt[n], roots[n] = root, hex.EncodeToString(root[:])
		for _, i := range []int64{0, 1, 6, n / 2, n - 2, n - 1} {
			if i >= 0 && i < n {
				path, err := tlog.ProveRecord(n, i, grown)
				must(err)
				inclusion = append(inclusion, map[string]any{"index": i, "size": n, "path": hexes(path)})
			}
		}
		for _, old := range sizes {
			if old > 0 && old <= n && (n <= 9 || old == 7 || old == 16 || old >= 255) {
				path, err := tlog.ProveTree(n, old, grown)
				must(err)
				consistency = append(consistency, map[string]any{"old": old, "new": n, "path": hexes(path)})
			}
		}
	}
	tiles := []any{}
	for _, want := range []tlog.Tile{
		{H: 8, L: 0, N: 0, W: 256}, {H: 8, L: 0, N: 0, W: 20}, {H: 8, L: 0, N: 273, W: 112},
		{H: 8, L: 1, N: 0, W: 3}, {H: 8, L: 1, N: 1, W: 17}, {H: 8, L: 2, N: 0, W: 1},
	} {
		content, err := tlog.ReadTileData(want, grown)
		must(err)
		path := strings.Replace(want.Path(), "tile/8/", "tile/", 1)
		tiles = append(tiles, map[string]any{"path": path, "bytes": hex.EncodeToString(content)})
	}
	paths := []any{}
	for _, n := range []int64{0, 1, 255, 256, 999, 1000, 1067, 1234067, 999999999, 1000000000} {
		for _, want := range []tlog.Tile{{H: 8, L: 0, N: n, W: 256}, {H: 8, L: 3, N: n, W: 7}, {H: 8, L: -1, N: n, W: 255}} {
			path := strings.Replace(want.Path(), "tile/8/", "tile/", 1)
			path = strings.Replace(path, "tile/data/", "tile/entries/", 1)
			paths = append(paths, map[string]any{"level": want.L, "index": n, "width": want.W, "path": path})
		}
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"roots": roots, "inclusion": inclusion, "consistency": consistency,
		"tiles": tiles, "paths": paths,
		"checkpoints": []any{checkpoint(0, rootAt[0]), checkpoint(20, rootAt[20]), checkpoint(70000, rootAt[70000])},
	}))
}

func checkpoint(size int64, root tlog.Hash) map[string]any {
	seed := make([]byte, 32)
	for i := range seed {
		seed[i] = byte(i)
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(vectorOrigin, public)
	must(err)
	id := strings.Split(vkey, "+")[1]
	private := "PRIVATE+KEY+" + vectorOrigin + "+" + id + "+" +
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed...))
	signer, err := note.NewSigner(private)
	must(err)
	text := fmt.Sprintf("%s\n%d\n%s\n", vectorOrigin, size, root)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	must(err)
	return map[string]any{
		"origin": vectorOrigin, "size": size, "root": hex.EncodeToString(root[:]),
		"seed": hex.EncodeToString(seed), "public_key": hex.EncodeToString(public),
		"vkey": vkey, "note": string(signed),
	}
}

type proof struct {
	Index   *int64   `json:"index"` // set for inclusion
	Old     int64    `json:"old"`
	Size    int64    `json:"size"`
	Leaf    string   `json:"leaf"`
	OldRoot string   `json:"old_root"`
	Root    string   `json:"root"`
	Path    []string `json:"path"`
}

func unhex(text string) (hash tlog.Hash) {
	raw, err := hex.DecodeString(text)
	must(err)
	copy(hash[:], raw)
	return hash
}

func proofs() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p proof
		must(json.Unmarshal(lines.Bytes(), &p))
		path := []tlog.Hash{}
		for _, text := range p.Path {
			path = append(path, unhex(text))
		}
		var err error
		if p.Index != nil {
			err = tlog.CheckRecord(path, p.Size, unhex(p.Root), *p.Index, unhex(p.Leaf))
		} else {
			err = tlog.CheckTree(path, p.Size, unhex(p.Root), p.Old, unhex(p.OldRoot))
		}
		if err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
	must(lines.Err())
}

// folder reads tiles of an unpacked export for Go's authenticating tile reader.
type folder string

func (f folder) Height() int                     { return 8 }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		content, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		found[i] = content
	}
	return found, nil
}

func checkLog(path, vkey string) {
	verifier, err := note.NewVerifier(vkey)
	must(err)
	text, err := os.ReadFile(filepath.Join(path, "checkpoint"))
	must(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	var size int64
	_, err = fmt.Sscanf(lines[1], "%d", &size)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	// The authenticating reader alone is not enough: some releases of it leave full tiles
	// unchecked where the right edge has several subtrees in one tile. So the tree is grown
	// again from the entries too, and every tile compared with what it then should be.
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, folder(path))
	grown := &tree{}
	for first := int64(0); first < size; first += 256 {
		width := int64(256)
		if size-first < width {
			width = size - first
		}
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)}
		name := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(path, name))
		must(err)
		indexes := []int64{}
		for i := int64(0); i < width; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+i))
		}
		hashes, err := reader.ReadHashes(indexes)
		must(err)
		for i := int64(0); i < width; i++ {
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			if hashes[i] != tlog.RecordHash(bundle[2:end]) {
				must(fmt.Errorf("entry %d does not hash to its tile", first+i))
			}
			stored, err := tlog.StoredHashes(first+i, bundle[2:end], grown)
			must(err)
			grown.hashes = append(grown.hashes, stored...)
			bundle = bundle[end:]
		}
		if len(bundle) != 0 {
			must(fmt.Errorf("bundle %d has bytes left over", first/256))
		}
	}
	recomputed, err := tlog.TreeHash(size, grown)
	must(err)
	if recomputed != root {
		must(fmt.Errorf("the entries do not give the signed root"))
	}
	must(filepath.Walk(filepath.Join(path, "tile"), func(name string, found os.FileInfo, err error) error {
		relative := strings.TrimPrefix(name, path+"/")
		if err != nil || found.IsDir() || strings.HasPrefix(relative, "tile/entries/") {
			return err
		}
		tile, err := tlog.ParseTilePath(strings.Replace(relative, "tile/", "tile/8/", 1))
		must(err)
		want, err := tlog.ReadTileData(tile, grown)
		must(err)
		have, err := os.ReadFile(name)
		if !bytes.Equal(want, have) {
			must(fmt.Errorf("%s is an inconsistent tile", relative))
		}
		return err
	}))
	fmt.Printf("ok %d\n", size)
}
