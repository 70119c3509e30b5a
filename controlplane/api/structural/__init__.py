"""Schemas of custom resources: what their authors write into a definition, and what it does to documents.

    schema.py     a JSON schema, compiled once into a tree of nodes
    pruning.py    drops what the schema does not know
    defaults.py   fills in what is absent
    values.py     says what is wrong with a document, in the words of upstream's validator
    lists.py      lists that are sets or maps have no duplicates
    rules.py      says what is wrong with a schema: which ones are structural
    definitions.py the same of a whole CustomResourceDefinition
    typing.py     the types of schemas inside schemas
    embedded.py   whole objects inside an object
    patterns.py   Go's regular expressions
    formats.py    the formats of text
    paths.py      the simple JSON paths of a definition: columns, scale, selectable fields

Everything here is pure: documents in, documents or lists of mistakes out. "Structural" is upstream's word (KEP-1101):
every field has one type that can be read off the schema without looking at any value.
"""
