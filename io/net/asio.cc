// The compiled part of Boost.Asio, once: the other files of this room see its declarations alone.
#include <boost/asio/impl/src.hpp>
