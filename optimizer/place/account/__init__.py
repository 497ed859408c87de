"""The account of a plan: what it uses, what it pays at the certified prices, what keeps jobs out.

Judge side: imports the domain, the plan and the certificate, nothing that decides.
"""
