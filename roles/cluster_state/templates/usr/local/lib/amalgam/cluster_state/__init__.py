"""What is known of a Kubernetes cluster, as Prometheus' series and as lines of a log: read once, then kept up to date.

The series have the names and labels of kube-state-metrics, so that rules and dashboards written for it work.

Needs Python alone: all of it runs in 25 MB, where importing the package ``kubernetes`` takes 45 MB before it has done
anything, and still leaves it to its user to list again after an error.
"""
