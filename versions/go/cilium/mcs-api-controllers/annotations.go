// Package controllers stands in for sigs.k8s.io/mcs-api/controllers, which the module proxy does not serve.
// Cilium takes one constant from it.
package controllers

// DerivedServiceAnnotation names the annotation on a ServiceImport that holds the name of the Service derived from it.
const DerivedServiceAnnotation = "multicluster.kubernetes.io/derived-service"
