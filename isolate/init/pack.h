// What is in a directory, written down: the tree of a box on its way to others (isolate/tree.h).
#pragma once

namespace isolate {

// Writes a tree of the current directory to standard output. Returns the exit code: 1 if something
// could not be read, deeper than max_tree_depth, or too long a name; standard error says what.
int pack();

}  // namespace isolate
