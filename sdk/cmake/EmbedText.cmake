# cmake -DIN=file -DOUT=header -DNAME=schema.json -P EmbedText.cmake: a text file as a constant `schema_json`, in OUT.hpp
# for C++ and in OUT.h for C, which has no raw strings and allows no literal of that length.
file(READ "${IN}" _text)
string(MAKE_C_IDENTIFIER "${NAME}" _id)
file(WRITE "${OUT}.hpp" "// Generated from ${NAME}.\n#pragma once\ninline constexpr char ${_id}[] = R\"dtu_text(${_text})dtu_text\";\n")
file(READ "${IN}" _bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," _bytes "${_bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n  " _bytes "${_bytes}")
file(WRITE "${OUT}.h" "/* Generated from ${NAME}. */\nstatic const char ${_id}[] = {\n  ${_bytes}0};\n")
