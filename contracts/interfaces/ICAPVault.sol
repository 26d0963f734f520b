// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The terms of one order, exactly as both parties sign them (EIP-712 type `Order`).
/// @dev The orderId is the EIP-712 digest of this struct under the vault's domain, so chain, vault, parties and price are bound.
struct Order {
    address requester; // buys; consents, pays, may reject while unpaid, release and dispute
    address provider; // sells; consents, delivers, may reject at any time before settlement, and dispute
    address token; // ERC-20 that the price is paid in; enabled in the vault at creation
    address arbiter; // splits a disputed escrow; 0 = no review, no dispute
    address approver; // opens the delivery gate; 0 = no gate
    address commissionTo; // second payee; 0 = none
    uint120 amount; // price in token base units, > 0
    uint16 feeBps; // platform fee in 1/10 000 of the Provider's part
    uint16 commissionBps; // second payee's share in 1/10 000 of the Provider's part
    uint40 payDeadline; // unix seconds; payment is valid while now <= payDeadline
    uint32 slaSeconds; // delivery is valid while now <= paid + slaSeconds
    uint32 reviewSeconds; // 0 = settle on delivery; otherwise the Requester may release or dispute while now <= delivered + reviewSeconds
    bytes32 termsHash; // keccak256 of the canonical terms document (RFC 8785 JSON)
    uint64 salt; // makes two orders with equal terms two orders
}

/// @notice Where an order stands. Phases move only along the table in the protocol's description; the last three are final.
enum Phase {
    NONE, // unknown to the vault
    NEGOTIATION, // created, waiting for payment until payDeadline
    LOCK, // paid; the price is in the vault
    DELIVER, // delivered, under review; the price is in the vault
    DISPUTE, // disputed after delivery; the price is in the vault
    CLEAR, // final: paid out
    REJECTED, // final: refunded, or never paid
    EXPIRED // final: refunded, or never paid
}

/// @title Order state machine and escrow of CAPVault
/// @notice An order is one service sold by a Provider to a Requester. Both consent to the same terms, the vault locks the
/// price, the deliverable's keccak256 goes on chain and the vault pays out. Terms travel in calldata; storage holds one slot per order.
/// @dev Checks run in this order everywhere: terms, phase, caller, deadline, approval and flag, signatures, token. Deadlines
/// are inclusive: a call with a deadline is valid while now <= deadline, the exit that anyone may take only when now > deadline.
///
/// Payouts to the parties are pushed with exactly 300 000 gas. A push that fails (the token reverts, or returns anything but
/// nothing or true) becomes a credit for `claim` and changes nothing else. At least 320 000 gas must be left just before it.
///
/// Tokens: any ERC-20 that moves exactly what it is told to; it may return nothing. Its own errors pass through in payOrder, claim
/// and sweepFees; a bad return value there is SafeERC20FailedOperation(token). A token that calls back meets
/// ReentrancyGuardReentrantCall().
///
/// The domain of orderIds binds chain id and vault. Should a chain change its id, every order gets another orderId, and
/// those that were live are out of reach with the money they lock.
interface ICAPVault {
    /* EVENTS */

    /// @notice Both parties have consented to `order`.
    event OrderCreated(bytes32 indexed orderId, address indexed requester, address indexed provider, Order order);
    /// @notice The Approver has opened the delivery gate.
    event OrderApproved(bytes32 indexed orderId);
    /// @notice The price is locked; delivery is valid up to and including `slaDeadline` (unix seconds).
    event OrderPaid(bytes32 indexed orderId, uint256 slaDeadline);
    /// @notice The deliverable's keccak256 is recorded. `reviewDeadline` is 0 when the order settled at once.
    event OrderDelivered(bytes32 indexed orderId, bytes32 deliverableHash, uint256 reviewDeadline);
    /// @notice `by` disputes the order. In LOCK that is a flag: nothing stops, and the Arbiter may rule up to and including
    /// `resolveDeadline` (unix seconds), the end of the SLA. In DELIVER it moves the order to DISPUTE: the timed release waits until then.
    event OrderDisputed(bytes32 indexed orderId, address indexed by, bytes32 reasonHash, uint256 resolveDeadline);
    /// @notice The Arbiter gives the Provider `providerPart` (token base units) of the price, before fee and commission, and the
    /// Requester the rest. OrderCleared follows, or OrderRejected by the Arbiter where the part is 0.
    event DisputeResolved(bytes32 indexed orderId, uint256 providerPart, bytes32 reasonHash);
    /// @notice The order is settled. The four amounts (token base units) sum to the price; `toProvider` is what the Provider gets.
    event OrderCleared(
        bytes32 indexed orderId, uint256 toProvider, uint256 toRequester, uint256 fee, uint256 commission
    );
    /// @notice The order is rejected by `by`; `refund` (token base units) goes back to the Requester, 0 if it was never paid.
    event OrderRejected(bytes32 indexed orderId, address indexed by, bytes32 reasonHash, uint256 refund);
    /// @notice The order has passed a deadline; `refund` (token base units) goes back to the Requester, 0 if it was never paid.
    event OrderExpired(bytes32 indexed orderId, uint256 refund);
    /// @notice A payout waits for `claim`: one that could not be pushed, or a commission, which never is.
    event PayoutDeferred(bytes32 indexed orderId, address indexed token, address indexed account, uint256 amount);
    /// @notice The deferred payouts of `account` in `token` went to `to`.
    event Claimed(address indexed token, address indexed account, address to, uint256 amount);
    /// @notice Accrued fees in `token` went to the treasury.
    event FeesSwept(address indexed token, address indexed treasury, uint256 amount);
    /// @notice The owner set whether new orders may use `token`, and their minimum fee in 1/10 000.
    event TokenSet(address indexed token, bool enabled, uint16 minFeeBps);
    /// @notice The owner set where fees go.
    event TreasurySet(address indexed treasury);

    /* ERRORS */

    /// @notice The order is in `phase`, which does not allow the call. NONE often means that a term differs from the signed ones.
    error WrongPhase(bytes32 orderId, Phase phase);
    /// @notice `caller` is not one of those whom the protocol's table names for this call in this phase.
    error Unauthorized(address caller);
    /// @notice The consent of `signer` is missing, or was given to other terms, another chain or another vault.
    error BadSignature(address signer);
    /// @notice The call was valid up to and including `deadline` (unix seconds).
    error TooLate(uint256 deadline);
    /// @notice The call is valid only after `from` (unix seconds).
    error TooEarly(uint256 from);
    /// @notice The terms name an Approver, who has not approved yet.
    error NotApproved();
    /// @notice The Approver has approved already.
    error AlreadyApproved();
    /// @notice Nobody has disputed the order, so there is nothing to resolve.
    error NotDisputed();
    /// @notice The order has been disputed before delivery already; once is all there is.
    error AlreadyDisputed();
    /// @notice `token` is not accepted for new orders.
    error TokenDisabled(address token);
    /// @notice The fee is `bps`; it must lie between `min` and `max`, both included (1/10 000).
    error FeeOutOfRange(uint256 bps, uint256 min, uint256 max);
    /// @notice A field of the terms, or an argument, breaks a rule, or does not provide for this call; `field` is its name.
    error InvalidTerms(string field);
    /// @notice `received` token base units arrived where `expected` were due. 0 also for a token without code.
    error WrongDeposit(uint256 received, uint256 expected);
    /// @notice `account` has no deferred payout in `token`.
    error NothingToClaim(address token, address account);
    /// @notice The vault keeps its owner: without one nobody could ever replace a treasury that a token has denylisted.
    error CannotRenounce();
    /// @notice A call that pushes a payout needs `required` gas at that point and had `found`: nobody may force a deferral by starving
    /// gas. Send the call with more gas.
    error InsufficientGas(uint256 found, uint256 required);

    /* ORDER FUNCTIONS */

    /// @notice Records that both parties consent to `order`. Anyone who holds both consents may call.
    /// @dev NONE → NEGOTIATION, while now <= payDeadline. The party that sends the call needs no signature. ecrecover is tried
    /// first (65 bytes r ‖ s ‖ v, low s, v 27 or 28), so an EOA with EIP-7702 code signs as itself; then ERC-1271.
    ///
    /// Terms: requester ≠ provider, neither is 0; arbiter and approver are 0 or none of the two; no address is the vault or the token;
    /// token ≠ 0; amount > 0; commissionBps = 0 just where commissionTo = 0; feeBps + commissionBps <= 5000 where there is a commission;
    /// payDeadline <= now + 30 days; slaSeconds 300 .. 365 days; reviewSeconds = 0 just where arbiter = 0, otherwise 300 .. 30 days.
    ///
    /// Token: enabled, and its minFeeBps <= feeBps <= 1000; both are read here and never again for this order.
    ///
    /// Reverts: InvalidTerms, WrongPhase, TooLate, BadSignature, TokenDisabled, FeeOutOfRange.
    /// @param order The terms.
    /// @param requesterSig ECDSA signature over the orderId, or ERC-1271 signature; ignored when the Requester calls.
    /// @param providerSig The same for the Provider.
    /// @return orderId EIP-712 digest of `order`.
    function createOrder(Order calldata order, bytes calldata requesterSig, bytes calldata providerSig)
        external
        returns (bytes32 orderId);

    /// @notice Locks the price: pulls `order.amount` from the Requester, who must call and have approved the vault.
    /// @dev NEGOTIATION → LOCK, while now <= payDeadline. Exactly the price must arrive, so a token that takes a fee is refused.
    ///
    /// Reverts: WrongPhase, Unauthorized, TooLate, WrongDeposit, the token's errors.
    function payOrder(Order calldata order) external;

    /// @notice Locks the price by the Requester's EIP-3009 authorization. Anyone who holds it may call.
    /// @dev NEGOTIATION → LOCK, while now <= payDeadline. The Requester signs the token's ReceiveWithAuthorization with to = this vault,
    /// value = amount, validAfter = 0, validBefore = payDeadline + 1 and nonce = orderId, so it pays this order or nothing.
    ///
    /// Reverts: WrongPhase, TooLate, WrongDeposit, the token's errors.
    /// @param authorization The Requester's signature, as the token takes it.
    function payOrderWithAuthorization(Order calldata order, bytes calldata authorization) external;

    /// @notice createOrder and payOrder in one call by the Requester, who must have approved the vault.
    /// @dev NONE or NEGOTIATION → LOCK, while now <= payDeadline. From NONE it logs OrderCreated, then OrderPaid; terms and token rules
    /// are createOrder's.
    ///
    /// Reverts: InvalidTerms, WrongPhase, Unauthorized, TooLate, BadSignature, TokenDisabled, FeeOutOfRange, WrongDeposit, the token's errors.
    /// @param providerSig The Provider's consent; ignored where the order is created already.
    /// @return orderId EIP-712 digest of `order`.
    function createAndPayOrder(Order calldata order, bytes calldata providerSig) external returns (bytes32 orderId);

    /// @notice createAndPayOrder by the Requester's EIP-3009 authorization, which is its consent too. Anyone who holds both may call.
    /// @dev As createAndPayOrder, and payOrderWithAuthorization.
    ///
    /// Reverts: InvalidTerms, WrongPhase, TooLate, BadSignature, TokenDisabled, FeeOutOfRange, WrongDeposit, the token's errors.
    /// @param providerSig The Provider's consent; ignored where the order is created already.
    /// @param authorization The Requester's signature, as the token takes it.
    /// @return orderId EIP-712 digest of `order`.
    function createAndPayOrderWithAuthorization(
        Order calldata order,
        bytes calldata providerSig,
        bytes calldata authorization
    ) external returns (bytes32 orderId);

    /// @notice Opens the delivery gate. Only the Approver that the terms name, once.
    /// @dev In NEGOTIATION or LOCK, at any time. Moves no phase and no deadline: an Approver's silence uses up the Provider's SLA.
    ///
    /// Reverts: InvalidTerms("approver") where the terms name none, WrongPhase, Unauthorized, AlreadyApproved.
    function approveOrder(Order calldata order) external;

    /// @notice Records the deliverable's hash. The Provider must call. Without review the order settles at once: fee accrued,
    /// commission credited, remainder to the Provider.
    /// @dev LOCK → CLEAR, or → DELIVER where reviewSeconds > 0; while now <= paid + slaSeconds. Fee and commission are
    /// floor(amount · bps / 10 000) of the signed terms.
    ///
    /// Reverts: InvalidTerms, WrongPhase, Unauthorized, TooLate, NotApproved, InsufficientGas.
    /// @param deliverableHash keccak256 of the deliverable; its first 25 bytes must not all be zero.
    function deliverOrder(Order calldata order, bytes32 deliverableHash) external;

    /// @notice Settles in the Provider's favour: by the Requester at any time, by anyone once the Requester or the Arbiter has stayed silent.
    /// @dev LOCK (by the Requester, where reviewSeconds > 0, and approved where an Approver is named), DELIVER, DISPUTE → CLEAR. By others
    /// than the Requester: DELIVER when now > delivered + reviewSeconds, DISPUTE when now > disputed + 30 days.
    ///
    /// Reverts: InvalidTerms("reviewSeconds") where the terms give no review, WrongPhase, Unauthorized, TooEarly, NotApproved, InsufficientGas.
    function releaseOrder(Order calldata order) external;

    /// @notice Disputes an order whose terms name an Arbiter. Before delivery either party may, once: a flag that lets the Arbiter
    /// rule and stops nothing. After delivery the Requester may, flagged or not: the timed release stops for 30 days.
    /// @dev In LOCK while now <= paid + slaSeconds; DELIVER → DISPUTE while now <= delivered + reviewSeconds.
    ///
    /// Reverts: InvalidTerms("arbiter") where the terms name none, WrongPhase, Unauthorized, TooLate, AlreadyDisputed.
    /// @param reasonHash keccak256 of the reason's UTF-8 text.
    function disputeOrder(Order calldata order, bytes32 reasonHash) external;

    /// @notice Splits a disputed escrow: `providerPart` is settled as a price, with fee and commission; the rest is refunded. Only the Arbiter.
    /// @dev Flagged LOCK while now <= paid + slaSeconds, flagged DELIVER while now <= delivered + reviewSeconds, DISPUTE while now <=
    /// disputed + 30 days → CLEAR, or → REJECTED where providerPart = 0. From LOCK, providerPart > 0 needs approval where an Approver is named.
    ///
    /// Reverts: InvalidTerms("arbiter"), InvalidTerms("providerPart"), WrongPhase, Unauthorized, TooLate, NotDisputed, NotApproved,
    /// InsufficientGas.
    /// @param providerPart Token base units, 0 .. amount.
    /// @param reasonHash keccak256 of the reason's UTF-8 text.
    function resolveDispute(Order calldata order, uint256 providerPart, bytes32 reasonHash) external;

    /// @notice Ends the order. Until it is paid either party may, and the Approver until it approves; once paid only the Provider,
    /// and in LOCK the Approver until it approves. What was paid is refunded in full.
    /// @dev NONE, NEGOTIATION, LOCK, DELIVER or DISPUTE → REJECTED, at any time. From NONE a party cancels its own consent, so term rules are
    /// not asked, and the Approver may not.
    ///
    /// Reverts: WrongPhase, Unauthorized, InsufficientGas.
    /// @param reasonHash keccak256 of the reason's UTF-8 text.
    function rejectOrder(Order calldata order, bytes32 reasonHash) external;

    /// @notice Ends an order whose deadline has passed and refunds the Requester in full. Anyone may call.
    /// @dev NEGOTIATION → EXPIRED when now > payDeadline; LOCK → EXPIRED when now > paid + slaSeconds.
    ///
    /// Reverts: WrongPhase, TooEarly, InsufficientGas.
    function expireOrder(Order calldata order) external;

    /// @notice Expires each of `orders` that can be, and skips the others. Anyone may call.
    /// @dev As expireOrder. Reverts: InsufficientGas, which expires none.
    /// @return expired How many.
    function expireOrders(Order[] calldata orders) external returns (uint256 expired);

    /* MONEY FUNCTIONS */

    /// @notice Sends the caller's deferred payouts in `token` to `to`, which need not be the caller: the caller may be denylisted.
    /// @dev No gas cap. If the token fails, the credit stays. Reverts: InvalidTerms("to") for 0 and the vault, NothingToClaim,
    /// the token's errors.
    /// @return amount Token base units sent.
    function claim(address token, address to) external returns (uint256 amount);

    /// @notice Sends the deferred payouts of `account` in `token` to that account. Anyone may call: a commission is always deferred, and
    /// who gets it may hold no gas, or be a contract that cannot call.
    /// @dev No gas cap. If the token fails, the credit stays. Reverts: NothingToClaim, the token's errors.
    /// @return amount Token base units sent.
    function claimFor(address token, address account) external returns (uint256 amount);

    /// @notice Sends all accrued fees in `token` to the treasury. Anyone may call.
    /// @dev If the token fails, the fees stay and the owner can name another treasury. Reverts: the token's errors.
    /// @return amount Token base units sent; 0 if there was nothing to sweep.
    function sweepFees(address token) external returns (uint256 amount);

    /* ONLY OWNER FUNCTIONS */

    /// @notice Sets whether new orders may use `token`, and their minimum fee, 0 .. 1000 (1/10 000). Existing orders are not touched.
    /// @dev Reverts: OwnableUnauthorizedAccount, FeeOutOfRange.
    function setToken(address token, bool enabled, uint16 minFeeBps) external;

    /// @notice Sets where fees go, those already accrued too. Nonzero, and not the vault.
    /// @dev Reverts: OwnableUnauthorizedAccount, InvalidTerms("treasury").
    function setTreasury(address newTreasury) external;

    /* VIEWS */

    /// @notice The stored state of an order: its phase, its flags, when the phase began (unix seconds), and the first 25 bytes of the
    /// deliverable's hash. All zero for an order that the vault does not know.
    function orderState(bytes32 orderId)
        external
        view
        returns (Phase phase, bool approved, bool disputed, uint40 since, bytes25 hashPrefix);

    /// @notice The orderId of `order`: its EIP-712 digest under this vault's domain.
    function hashOrder(Order calldata order) external view returns (bytes32);

    /// @notice Whether `deliverableHash` is what was delivered for `orderId`; false before delivery.
    /// @dev Compares the first 25 bytes, 2^100 to collide; the whole hash is in OrderDelivered.
    function isDelivered(bytes32 orderId, bytes32 deliverableHash) external view returns (bool);

    /// @notice Deferred payouts of `account` in `token` (base units).
    function claimable(address token, address account) external view returns (uint256);

    /// @notice Settings of `token`: whether new orders may use it, their minimum fee, and fees not yet swept (base units).
    function tokenConfig(address token) external view returns (bool enabled, uint16 minFeeBps, uint128 accruedFees);

    /// @notice Where fees go.
    function treasury() external view returns (address);
}
