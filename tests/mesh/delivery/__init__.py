"""Argo CD and Flux apply what is rendered, from a git repository, by commits, while every change is recorded."""
