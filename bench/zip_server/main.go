// A zip of objects by their URLs, streamed: what a team writes in an afternoon with archive/zip, and what ZipStreamer does.
//
//	zip_server LISTEN ENTRIES    ENTRIES has a line for each entry: its name, a tab, its URL
//
// Entries are stored, one GET after the other. There is no length, no ETag and no range: archive/zip writes each CRC-32 behind its entry.
package main

import (
	"archive/zip"
	"bufio"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
)

type entry struct{ name, url string }

func read(path string) (entries []entry) {
	file, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, url, _ := strings.Cut(lines.Text(), "\t")
		entries = append(entries, entry{name, url})
	}
	return entries
}

func main() {
	entries := read(os.Args[2])
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	http.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("Content-Type", "application/zip")
		archive := zip.NewWriter(answer)
		for _, each := range entries {
			object, err := client.Get(each.url)
			if err != nil || object.StatusCode != http.StatusOK {
				panic(http.ErrAbortHandler)
			}
			out, err := archive.CreateHeader(&zip.FileHeader{Name: each.name, Method: zip.Store})
			if err == nil {
				_, err = io.Copy(out, object.Body)
			}
			object.Body.Close()
			if err != nil {
				panic(http.ErrAbortHandler)
			}
		}
		archive.Close()
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
