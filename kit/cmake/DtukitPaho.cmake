# The target dtukit::paho: Paho MQTT C, asynchronous, with TLS (package libpaho-mqtt-dev). No target when it is missing.
find_library(DTUKIT_PAHO_LIBRARY paho-mqtt3as)
find_path(DTUKIT_PAHO_INCLUDE_DIR MQTTAsync.h)
mark_as_advanced(DTUKIT_PAHO_LIBRARY DTUKIT_PAHO_INCLUDE_DIR)
if(DTUKIT_PAHO_LIBRARY AND DTUKIT_PAHO_INCLUDE_DIR AND NOT TARGET dtukit::paho)
  add_library(dtukit::paho UNKNOWN IMPORTED)
  set_target_properties(dtukit::paho PROPERTIES IMPORTED_LOCATION ${DTUKIT_PAHO_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${DTUKIT_PAHO_INCLUDE_DIR})
endif()
