// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice The terms of one order, exactly as both parties sign them (EIP-712 type `Order`).
/// @dev The orderId is the EIP-712 digest of this struct under the vault's domain, so chain, vault, parties and price are bound.
struct Order {
    address requester; // buys; consents, pays, may reject while unpaid
    address provider; // sells; consents, delivers, may reject at any time before settlement
    address token; // ERC-20 that the price is paid in; enabled in the vault at creation
    address arbiter; // splits a disputed escrow; 0 = no dispute
    address approver; // opens the delivery gate; 0 = no gate
    address commissionTo; // second payee; 0 = none
    uint120 amount; // price in token base units, > 0
    uint16 feeBps; // platform fee in 1/10 000 of the Provider's part
    uint16 commissionBps; // second payee's share in 1/10 000 of the Provider's part
    uint40 payDeadline; // unix seconds; payment is valid while now <= payDeadline
    uint32 slaSeconds; // delivery is valid while now <= paid + slaSeconds
    uint32 reviewSeconds; // 0 = settle on delivery
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
    /// @notice The price is locked; delivery is valid up to and including `slaDeadline` (unix seconds).
    event OrderPaid(bytes32 indexed orderId, uint256 slaDeadline);
    /// @notice The deliverable's keccak256 is recorded. `reviewDeadline` is 0 when the order settled at once.
    event OrderDelivered(bytes32 indexed orderId, bytes32 deliverableHash, uint256 reviewDeadline);
    /// @notice The order is settled. The four amounts (token base units) sum to the price; `toProvider` is what the Provider gets.
    event OrderCleared(
        bytes32 indexed orderId, uint256 toProvider, uint256 toRequester, uint256 fee, uint256 commission
    );
    /// @notice The order is rejected by `by`; `refund` (token base units) goes back to the Requester, 0 if it was never paid.
    event OrderRejected(bytes32 indexed orderId, address indexed by, bytes32 reasonHash, uint256 refund);
    /// @notice The order has passed a deadline; `refund` (token base units) goes back to the Requester, 0 if it was never paid.
    event OrderExpired(bytes32 indexed orderId, uint256 refund);
    /// @notice A payout could not be pushed and waits for `claim`.
    event PayoutDeferred(bytes32 indexed orderId, address indexed token, address indexed account, uint256 amount);
    /// @notice `account` took its deferred payouts in `token` to `to`.
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
    /// @notice `token` is not accepted for new orders.
    error TokenDisabled(address token);
    /// @notice The fee is `bps`; it must lie between `min` and `max`, both included (1/10 000).
    error FeeOutOfRange(uint256 bps, uint256 min, uint256 max);
    /// @notice A field of the terms, or an argument, breaks a rule or is not offered yet; `field` is its name.
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
    /// Terms: requester ≠ provider; neither is 0, the vault or the token; token is neither 0 nor the vault; amount > 0; payDeadline <=
    /// now + 30 days; slaSeconds 300 .. 365 days. Not offered yet, so 0: arbiter, approver, commissionTo, commissionBps, reviewSeconds.
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

    /// @notice Records the deliverable's hash and settles: fee accrued, remainder to the Provider, who must call.
    /// @dev LOCK → CLEAR, while now <= paid + slaSeconds. The fee is floor(amount · feeBps / 10 000) of the signed terms.
    ///
    /// Reverts: InvalidTerms, WrongPhase, Unauthorized, TooLate, InsufficientGas.
    /// @param deliverableHash keccak256 of the deliverable; its first 25 bytes must not all be zero.
    function deliverOrder(Order calldata order, bytes32 deliverableHash) external;

    /// @notice Ends the order. Before payment either party may; once paid only the Provider, and the Requester is refunded in full.
    /// @dev NEGOTIATION or LOCK → REJECTED, at any time.
    ///
    /// Reverts: WrongPhase, Unauthorized, InsufficientGas.
    /// @param reasonHash keccak256 of the reason's UTF-8 text.
    function rejectOrder(Order calldata order, bytes32 reasonHash) external;

    /// @notice Ends an order whose deadline has passed and refunds the Requester in full. Anyone may call.
    /// @dev NEGOTIATION → EXPIRED when now > payDeadline; LOCK → EXPIRED when now > paid + slaSeconds.
    ///
    /// Reverts: WrongPhase, TooEarly, InsufficientGas.
    function expireOrder(Order calldata order) external;

    /* MONEY FUNCTIONS */

    /// @notice Sends the caller's deferred payouts in `token` to `to`, which need not be the caller: the caller may be denylisted.
    /// @dev No gas cap. If the token fails, the credit stays. Reverts: InvalidTerms("to") for 0 and the vault, NothingToClaim,
    /// the token's errors.
    /// @return amount Token base units sent.
    function claim(address token, address to) external returns (uint256 amount);

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
