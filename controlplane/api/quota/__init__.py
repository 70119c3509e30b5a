"""What objects use of a namespace's ResourceQuotas; asked by admission before a write, by the controller after it.

    amounts.py    sums and differences of amounts by the names that quotas use: pods, requests.cpu
    kinds.py      under which names a kind is counted, and what one object uses; `evaluator_for`
    pods.py       what a pod is charged for
    scopes.py     which quotas an object counts in at all: BestEffort, Terminating, a priority class
    charge.py     one write against the quotas of its namespace: what they say afterwards, or why it is refused
    total.py      everything in a namespace added up, which is what a quota's status says

Pure: objects and the time come in, amounts go out.
"""
