"""Manifests that several suites apply."""

from __future__ import annotations

# A small form of examples/nginx.yaml: a Deployment and its Service.
NGINX = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: nginx-deployment, labels: {app: nginx}}
spec:
  replicas: 3
  selector: {matchLabels: {app: nginx}}
  template:
    metadata: {labels: {app: nginx}}
    spec:
      containers: [{name: nginx, image: "nginx:1.14.2", ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: nginx-service}
spec: {selector: {app: nginx}, ports: [{port: 80, targetPort: 80}]}
"""
