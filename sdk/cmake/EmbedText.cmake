# cmake -DIN=file -DOUT=header -DNAME=schema.json -P EmbedText.cmake: a text file as a C++ constant.
file(READ "${IN}" _text)
string(MAKE_C_IDENTIFIER "${NAME}" _id)
file(WRITE "${OUT}" "// Generated from ${NAME}.\n#pragma once\ninline constexpr char ${_id}[] = R\"dtu_text(${_text})dtu_text\";\n")
