import Yams
import AsyncHTTPClient
