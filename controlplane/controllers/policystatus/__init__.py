"""Tells authors of ValidatingAdmissionPolicies what their expressions get wrong about the kinds they are for.

A policy is accepted as long as it compiles with objects of any type. Here it is compiled once more for each kind that
its rules name, with that kind's fields; what does not fit is a warning in status.typeChecking, and never an error.
"""
