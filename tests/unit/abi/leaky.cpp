// Built without the version script: what one_export.sh is there to find.
extern "C" int leaked_function();
extern "C" int leaked_function() { return 1; }
