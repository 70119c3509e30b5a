"""Resource quotas: what a namespace uses, counted anew.

Owns the status of ResourceQuotas: status.hard follows spec.hard, and status.used is what there is. Admission charges
what is created, before it is; here it is given back when it is gone, and what was charged in vain.

    quota made or changed               count at once
    something it limits has gone, or    count the quotas of that namespace
    uses less than before
    a count has changed something       count again in 5 s: objects may have been on their way when we looked
    every 5 min                         count all

Refuses to follow kinds that no quota limits.
"""
