"""
The parts of L{mycred.migrate}.

From a file to its new text: L{_files} finds and reads it, L{_uses} collects its imports
and the uses of their names, L{_imports} and L{_dotted} decide which of them change,
L{_statements} rewrites these, L{_source} changes these parts of the text and no
others, and L{_mentions} lists the strings and documentation that a person has to look at.
"""
