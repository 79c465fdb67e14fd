// Reads a JSON list of YAML texts and prints, as JSON, what Go's readers make of each: Helm's
// (sigs.k8s.io/yaml) and go-yaml v3, which helmfile, kustomize and Argo CD use.
package main

import (
	"encoding/json"
	"log"
	"os"

	yamlv3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

type reading struct {
	Helm  any    `json:"helm"`
	V3    any    `json:"v3"`
	Error string `json:"error"`
}

func main() {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		log.Fatal(err)
	}
	readings := make([]reading, len(texts))
	for at, text := range texts {
		if err := yaml.Unmarshal([]byte(text), &readings[at].Helm); err != nil {
			readings[at].Error = "helm: " + err.Error()
		}
		if err := yamlv3.Unmarshal([]byte(text), &readings[at].V3); err != nil {
			readings[at].Error += "v3: " + err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(readings); err != nil {
		log.Fatal(err)
	}
}
