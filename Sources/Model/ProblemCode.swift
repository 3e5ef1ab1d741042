/// The stable numbered codes of every error that leaves Daylight. Numbers are grouped by room and never used again.
public enum ProblemCode: String, Sendable, Codable, CaseIterable {
    // 1xxx: the request
    case malformedRequest = "DL1000"
    case unknownParameter = "DL1001"
    case invalidParameter = "DL1002"
    case invalidJSON = "DL1003"
    case unauthenticated = "DL1004"
    case forbidden = "DL1005"
    case routeNotFound = "DL1006"
    case methodNotAllowed = "DL1007"
    case notAcceptable = "DL1008"
    case requestTimeout = "DL1009"
    case payloadTooLarge = "DL1010"
    case uriTooLong = "DL1011"
    case unsupportedMediaType = "DL1012"
    case rangeNotSatisfiable = "DL1013"
    case headersTooLarge = "DL1014"
    case preconditionFailed = "DL1015"
    case preconditionRequired = "DL1016"
    case tooManyRequests = "DL1017"
    case tooManyDownloads = "DL1018"
    case digestMismatch = "DL1019"
    case invalidDigestField = "DL1020"
    case idempotencyKeyInvalid = "DL1021"
    case idempotencyKeyReused = "DL1022"
    case idempotencyInProgress = "DL1023"
    case tooManyStreams = "DL1024"

    // 2xxx: the catalogue
    case datasetNotFound = "DL2000"
    case datasetWithdrawn = "DL2001"
    case invalidDataset = "DL2002"
    case datasetNotReleased = "DL2003"
    case datasetOfAnotherDepartment = "DL2004"
    case schemaConflict = "DL2005"
    case profileNotFound = "DL2006"
    case departmentNotFound = "DL2007"
    case versionNotFound = "DL2008"
    case versionWithdrawn = "DL2009"
    case revisionNotFound = "DL2010"
    case datasetMirrored = "DL2011"

    // 3xxx: publishing
    case pushNotFound = "DL3000"
    case pushRejected = "DL3001"
    case pushStateConflict = "DL3002"
    case pushFailed = "DL3003"
    case invalidMapping = "DL3004"
    case unsupportedCharset = "DL3005"
    case unsupportedEncoding = "DL3006"
    case reviewNotIndependent = "DL3007"
    case reviewDigestMismatch = "DL3008"
    case reviewMissing = "DL3009"
    case invalidReview = "DL3010"
    case invalidWithdrawal = "DL3011"
    case releaseOutdated = "DL3012"

    // 4xxx: queries
    case unknownField = "DL4000"
    case invalidFilter = "DL4001"
    case invalidSort = "DL4002"
    case invalidCursor = "DL4003"
    case rowNotFound = "DL4004"
    case rowWithdrawn = "DL4005"
    case invalidLimit = "DL4006"
    case invalidAggregate = "DL4010"
    case queryTooExpensive = "DL4011"
    case formatUnsuitable = "DL4012"
    case rowProofUnavailable = "DL4013"

    // 5xxx: the exchange
    case shareRequestNotFound = "DL5000"
    case invalidShareRequest = "DL5001"
    case notShared = "DL5002"
    case shareStateConflict = "DL5003"
    case supplementAlreadyAsked = "DL5004"
    case notYourDecision = "DL5005"
    case grantNotFound = "DL5006"
    case grantEnded = "DL5007"
    case deliveryNotFound = "DL5008"
    case invalidReceipt = "DL5009"
    case receiptKeyNotFound = "DL5010"
    case invalidReceiptKey = "DL5011"
    case purposeMissing = "DL5012"
    case endpointNotFound = "DL5020"
    case invalidEndpoint = "DL5021"
    case tooManyEndpoints = "DL5022"
    case encryptionKeyMissing = "DL5023"
    case correctionNotFound = "DL5040"
    case invalidCorrection = "DL5041"
    case correctionStateConflict = "DL5042"
    case tooManyCorrections = "DL5043"
    case auditSealNotFound = "DL5044"
    case invalidSignature = "DL5060"
    case signatureRequired = "DL5061"

    // 9xxx: the server
    case internalError = "DL9000"
    case databaseUnavailable = "DL9001"
    case overloaded = "DL9002"
    case statementTimeout = "DL9003"
    case shuttingDown = "DL9004"
    case streamExpired = "DL9005"

    /// The HTTP status that goes with the code.
    public var status: Int {
        switch self {
        case .malformedRequest, .unknownParameter, .invalidParameter, .invalidJSON, .digestMismatch, .invalidDigestField, .idempotencyKeyInvalid, .unknownField,
            .invalidFilter, .invalidSort, .invalidCursor, .invalidLimit, .invalidAggregate, .purposeMissing, .invalidSignature:
            400
        case .unauthenticated: 401
        case .forbidden, .datasetOfAnotherDepartment, .reviewNotIndependent, .notYourDecision, .signatureRequired: 403
        case .routeNotFound, .datasetNotFound, .datasetNotReleased, .profileNotFound, .departmentNotFound, .versionNotFound, .revisionNotFound, .pushNotFound, .rowNotFound,
            .shareRequestNotFound, .grantNotFound, .deliveryNotFound, .receiptKeyNotFound, .rowProofUnavailable, .endpointNotFound, .correctionNotFound, .auditSealNotFound:
            404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .requestTimeout: 408
        case .idempotencyInProgress, .schemaConflict, .datasetMirrored, .pushStateConflict, .reviewDigestMismatch, .reviewMissing, .releaseOutdated, .shareStateConflict,
            .supplementAlreadyAsked, .tooManyEndpoints, .encryptionKeyMissing, .correctionStateConflict, .tooManyCorrections:
            409
        case .datasetWithdrawn, .versionWithdrawn, .rowWithdrawn, .grantEnded: 410
        case .preconditionFailed: 412
        case .payloadTooLarge: 413
        case .uriTooLong: 414
        case .unsupportedMediaType, .unsupportedCharset, .unsupportedEncoding: 415
        case .rangeNotSatisfiable: 416
        case .idempotencyKeyReused, .invalidDataset, .pushRejected, .invalidMapping, .invalidReview, .invalidWithdrawal, .queryTooExpensive, .formatUnsuitable,
            .invalidShareRequest, .notShared, .invalidReceipt, .invalidReceiptKey, .invalidEndpoint, .invalidCorrection:
            422
        case .preconditionRequired: 428
        case .tooManyRequests, .tooManyDownloads, .tooManyStreams: 429
        case .headersTooLarge: 431
        case .internalError, .pushFailed: 500
        case .databaseUnavailable, .overloaded, .statementTimeout, .shuttingDown, .streamExpired: 503
        }
    }

    /// What happened, in one line, the same for every occurrence (RFC 9457 §3.1.3).
    public var title: LocalizedText {
        switch self {
        case .malformedRequest: LocalizedText(zh: "请求格式错误", en: "Malformed request")
        case .unknownParameter: LocalizedText(zh: "未知参数", en: "Unknown parameter")
        case .invalidParameter: LocalizedText(zh: "参数无效", en: "Invalid parameter")
        case .invalidJSON: LocalizedText(zh: "JSON 无效", en: "Invalid JSON")
        case .unauthenticated: LocalizedText(zh: "密钥缺失或无效", en: "Missing or invalid key")
        case .forbidden: LocalizedText(zh: "密钥无此权限", en: "The key does not allow this")
        case .routeNotFound: LocalizedText(zh: "没有这个地址", en: "No such address")
        case .methodNotAllowed: LocalizedText(zh: "不支持该方法", en: "Method not allowed")
        case .notAcceptable: LocalizedText(zh: "无法提供所要求的格式", en: "Not acceptable")
        case .requestTimeout: LocalizedText(zh: "请求超时", en: "Request timeout")
        case .payloadTooLarge: LocalizedText(zh: "请求体过大", en: "Payload too large")
        case .uriTooLong: LocalizedText(zh: "地址过长", en: "Address too long")
        case .unsupportedMediaType: LocalizedText(zh: "不支持的内容类型", en: "Unsupported media type")
        case .rangeNotSatisfiable: LocalizedText(zh: "范围无法满足", en: "Range not satisfiable")
        case .headersTooLarge: LocalizedText(zh: "请求头过大", en: "Header fields too large")
        case .preconditionFailed: LocalizedText(zh: "前提条件不成立", en: "Precondition failed")
        case .preconditionRequired: LocalizedText(zh: "需要前提条件", en: "Precondition required")
        case .tooManyRequests: LocalizedText(zh: "请求过多", en: "Too many requests")
        case .tooManyDownloads: LocalizedText(zh: "同时下载过多", en: "Too many downloads at once")
        case .digestMismatch: LocalizedText(zh: "内容与摘要不符", en: "The content does not match its digest")
        case .invalidDigestField: LocalizedText(zh: "摘要字段无效", en: "Invalid digest field")
        case .idempotencyKeyInvalid: LocalizedText(zh: "幂等键无效", en: "Invalid idempotency key")
        case .idempotencyKeyReused: LocalizedText(zh: "幂等键已用于其他请求", en: "Idempotency key used for another request")
        case .idempotencyInProgress: LocalizedText(zh: "同一请求仍在处理", en: "The same request is still running")
        case .tooManyStreams: LocalizedText(zh: "同时打开的事件流过多", en: "Too many event streams at once")
        case .datasetNotFound: LocalizedText(zh: "没有这个数据资源", en: "No such dataset")
        case .datasetWithdrawn: LocalizedText(zh: "数据资源已撤回", en: "Dataset withdrawn")
        case .invalidDataset: LocalizedText(zh: "数据资源描述无效", en: "Invalid dataset description")
        case .datasetNotReleased: LocalizedText(zh: "数据资源尚未发布", en: "Dataset not released yet")
        case .datasetOfAnotherDepartment: LocalizedText(zh: "数据资源属于其他部门", en: "Dataset of another department")
        case .schemaConflict: LocalizedText(zh: "信息项变更与已发布数据冲突", en: "Schema change conflicts with released rows")
        case .profileNotFound: LocalizedText(zh: "没有这个领域规范", en: "No such profile")
        case .departmentNotFound: LocalizedText(zh: "没有这个部门", en: "No such department")
        case .versionNotFound: LocalizedText(zh: "没有这个版本", en: "No such version")
        case .versionWithdrawn: LocalizedText(zh: "版本已撤回", en: "Version withdrawn")
        case .revisionNotFound: LocalizedText(zh: "没有这个修订", en: "No such revision")
        case .datasetMirrored: LocalizedText(zh: "数据资源属于其他节点", en: "Dataset of another node")
        case .pushNotFound: LocalizedText(zh: "没有这次报送", en: "No such push")
        case .pushRejected: LocalizedText(zh: "报送未通过校验", en: "Push rejected")
        case .pushStateConflict: LocalizedText(zh: "报送当前状态不允许此操作", en: "The push's state does not allow this")
        case .pushFailed: LocalizedText(zh: "报送中断", en: "Push failed")
        case .invalidMapping: LocalizedText(zh: "映射无效", en: "Invalid mapping")
        case .unsupportedCharset: LocalizedText(zh: "不支持的字符集", en: "Unsupported charset")
        case .unsupportedEncoding: LocalizedText(zh: "不支持的内容编码", en: "Unsupported content coding")
        case .reviewNotIndependent: LocalizedText(zh: "审查人不得为报送人", en: "The reviewer must not be the one who pushed")
        case .reviewDigestMismatch: LocalizedText(zh: "审查的内容不是这份内容", en: "The review names another content")
        case .reviewMissing: LocalizedText(zh: "尚未通过保密审查", en: "No review has passed this content")
        case .invalidReview: LocalizedText(zh: "审查无效", en: "Invalid review")
        case .invalidWithdrawal: LocalizedText(zh: "撤回无效", en: "Invalid withdrawal")
        case .releaseOutdated: LocalizedText(zh: "报送已被更新的版本取代", en: "A newer release came first")
        case .unknownField: LocalizedText(zh: "没有这个信息项", en: "No such field")
        case .invalidFilter: LocalizedText(zh: "筛选条件无效", en: "Invalid filter")
        case .invalidSort: LocalizedText(zh: "排序无效", en: "Invalid sort")
        case .invalidCursor: LocalizedText(zh: "游标无效", en: "Invalid cursor")
        case .rowNotFound: LocalizedText(zh: "没有这一行", en: "No such row")
        case .rowWithdrawn: LocalizedText(zh: "该行已撤回", en: "Row withdrawn")
        case .invalidLimit: LocalizedText(zh: "条数无效", en: "Invalid limit")
        case .invalidAggregate: LocalizedText(zh: "聚合无效", en: "Invalid aggregate")
        case .queryTooExpensive: LocalizedText(zh: "查询代价过高", en: "Query too expensive")
        case .formatUnsuitable: LocalizedText(zh: "数据放不进该格式", en: "The data do not fit this format")
        case .rowProofUnavailable: LocalizedText(zh: "没有行的证明", en: "No proof of rows")
        case .shareRequestNotFound: LocalizedText(zh: "没有这个共享申请", en: "No such share request")
        case .invalidShareRequest: LocalizedText(zh: "共享申请无效", en: "Invalid share request")
        case .notShared: LocalizedText(zh: "不予共享", en: "Not shared")
        case .shareStateConflict: LocalizedText(zh: "申请的状态不允许此操作", en: "The request's state does not allow this")
        case .supplementAlreadyAsked: LocalizedText(zh: "已一次性告知", en: "The one notice was given already")
        case .notYourDecision: LocalizedText(zh: "应由另一方决定", en: "Another party's decision")
        case .grantNotFound: LocalizedText(zh: "没有这个授权", en: "No such grant")
        case .grantEnded: LocalizedText(zh: "授权已终止", en: "The grant has ended")
        case .deliveryNotFound: LocalizedText(zh: "没有这次交付", en: "No such delivery")
        case .invalidReceipt: LocalizedText(zh: "回执无效", en: "Invalid receipt")
        case .receiptKeyNotFound: LocalizedText(zh: "没有这个签名公钥", en: "No such receipt key")
        case .invalidReceiptKey: LocalizedText(zh: "签名公钥无效", en: "Invalid receipt key")
        case .endpointNotFound: LocalizedText(zh: "没有这个回调地址", en: "No such endpoint")
        case .invalidEndpoint: LocalizedText(zh: "回调地址无效", en: "Invalid endpoint")
        case .tooManyEndpoints: LocalizedText(zh: "回调地址过多", en: "Too many endpoints")
        case .encryptionKeyMissing: LocalizedText(zh: "没有加密公钥", en: "No key to seal to")
        case .purposeMissing: LocalizedText(zh: "未说明用途", en: "The purpose is not stated")
        case .correctionNotFound: LocalizedText(zh: "没有这个校核", en: "No such correction")
        case .invalidCorrection: LocalizedText(zh: "校核无效", en: "Invalid correction")
        case .correctionStateConflict: LocalizedText(zh: "校核的状态不允许此操作", en: "The correction's state does not allow this")
        case .tooManyCorrections: LocalizedText(zh: "待答复的校核过多", en: "Too many corrections wait for an answer")
        case .auditSealNotFound: LocalizedText(zh: "没有这次审计封存", en: "No such seal of the audit")
        case .invalidSignature: LocalizedText(zh: "请求签名无效", en: "Invalid signature of the request")
        case .signatureRequired: LocalizedText(zh: "请求须签名", en: "The request must be signed")
        case .internalError: LocalizedText(zh: "服务器内部错误", en: "Internal error")
        case .databaseUnavailable: LocalizedText(zh: "数据库暂不可用", en: "Database unavailable")
        case .overloaded: LocalizedText(zh: "服务器繁忙", en: "Server overloaded")
        case .statementTimeout: LocalizedText(zh: "查询超过时限", en: "The query took too long")
        case .shuttingDown: LocalizedText(zh: "服务器正在停止", en: "Server shutting down")
        case .streamExpired: LocalizedText(zh: "流式输出已到时限", en: "The stream's time is up")
        }
    }

    /// The problem type's path below the API's address (RFC 9457 §3.1.1): `/problems/DL1000`.
    public var typePath: String { "/problems/\(rawValue)" }
}
