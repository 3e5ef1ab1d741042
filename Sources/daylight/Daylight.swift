import ArgumentParser
import Hummingbird
import AsyncHTTPClient
@main struct Daylight: ParsableCommand { func run() { print("hi") } }
