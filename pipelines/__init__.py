"""What happens to a row: problems, solvers, thoughts, teacher, mixture, inference, student, report.

Plain Python without Ray. A package imports only those to its left in that list;
``config`` and ``errors`` stand left of all of them.
"""
