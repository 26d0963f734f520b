// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

import {ICAPVault, Order, Phase} from "./interfaces/ICAPVault.sol";
import {OrderHash} from "./libraries/OrderHash.sol";
import {OrderState, OrderStates} from "./libraries/OrderState.sol";

/// @title CAPVault
/// @notice Order state machine and escrow. No proxy, no pause, no hooks, no callee chosen by a user.
contract CAPVault is ICAPVault, EIP712, Ownable2Step, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @dev Settings and accrued fees of one token, in one slot.
    struct TokenConfig {
        bool enabled; // whether new orders may use it
        uint16 minFeeBps; // least feeBps of a new order
        uint128 accruedFees; // base units, not yet swept
    }

    /* CONSTANTS */

    uint256 private constant BPS = 10_000;
    uint256 private constant MAX_FEE_BPS = 1000;
    uint256 private constant MAX_PAY_WINDOW = 30 days;
    uint256 private constant MIN_SLA = 300 seconds;
    uint256 private constant MAX_SLA = 365 days;

    /// @dev What a token gets to push a payout: several times what any listed token needs.
    uint256 private constant PUSH_GAS = 300_000;

    /// @dev A call hands on at most 63/64 of its gas: 320 000 leave a margin over PUSH_GAS · 64/63 = 304 762.
    uint256 private constant MIN_GAS_BEFORE_PUSH = 320_000;

    /* STORAGE */

    mapping(bytes32 orderId => OrderState state) private _orders;

    /// @inheritdoc ICAPVault
    mapping(address token => TokenConfig config) public override tokenConfig;

    /// @inheritdoc ICAPVault
    mapping(address token => mapping(address account => uint256 amount)) public override claimable;

    /// @inheritdoc ICAPVault
    address public override treasury;

    /* CONSTRUCTOR */

    /// @param owner May set tokens, minimum fees and the treasury.
    /// @param initialTreasury Receives the platform fees.
    constructor(address owner, address initialTreasury) EIP712("CAPVault", "1") Ownable(owner) {
        _setTreasury(initialTreasury);
    }

    /* ORDER FUNCTIONS */

    /// @inheritdoc ICAPVault
    function createOrder(Order calldata order, bytes calldata requesterSig, bytes calldata providerSig)
        external
        returns (bytes32 orderId)
    {
        // Check: terms, phase, deadline, signatures, token.
        _checkTerms(order);
        orderId = hashOrder(order);
        OrderState state = _orders[orderId];
        if (state.phase() != Phase.NONE) revert WrongPhase(orderId, state.phase());
        if (block.timestamp > order.payDeadline) revert TooLate(order.payDeadline);
        _checkConsent(order.requester, orderId, requesterSig);
        _checkConsent(order.provider, orderId, providerSig);
        _checkToken(order);

        // Effect: the order is open for payment.
        _orders[orderId] = state.enter(Phase.NEGOTIATION);

        emit OrderCreated(orderId, order.requester, order.provider, order);
    }

    /// @inheritdoc ICAPVault
    function payOrder(Order calldata order) external nonReentrant {
        // Check: phase, caller, deadline.
        bytes32 orderId = hashOrder(order);
        OrderState state = _orders[orderId];
        if (state.phase() != Phase.NEGOTIATION) revert WrongPhase(orderId, state.phase());
        if (msg.sender != order.requester) revert Unauthorized(msg.sender);
        if (block.timestamp > order.payDeadline) revert TooLate(order.payDeadline);

        // Effect: the price is locked.
        _orders[orderId] = state.enter(Phase.LOCK);

        emit OrderPaid(orderId, block.timestamp + order.slaSeconds);

        // Interaction: pull the price.
        _pull(order.token, order.requester, order.amount);
    }

    /// @inheritdoc ICAPVault
    function deliverOrder(Order calldata order, bytes32 deliverableHash) external nonReentrant {
        // Check: terms, phase, caller, deadline.
        if (OrderStates.prefix(deliverableHash) == 0) revert InvalidTerms("deliverableHash");
        bytes32 orderId = hashOrder(order);
        OrderState state = _orders[orderId];
        if (state.phase() != Phase.LOCK) revert WrongPhase(orderId, state.phase());
        if (msg.sender != order.provider) revert Unauthorized(msg.sender);
        uint256 slaDeadline = uint256(state.since()) + order.slaSeconds;
        if (block.timestamp > slaDeadline) revert TooLate(slaDeadline);

        // Effect: the hash is recorded and the order settled.
        _orders[orderId] = state.record(deliverableHash).enter(Phase.CLEAR);

        emit OrderDelivered(orderId, deliverableHash, 0);

        // Interaction: pay out.
        _settle(orderId, order);
    }

    /// @inheritdoc ICAPVault
    function rejectOrder(Order calldata order, bytes32 reasonHash) external nonReentrant {
        // Check: phase, caller.
        bytes32 orderId = hashOrder(order);
        OrderState state = _orders[orderId];
        Phase phase = state.phase();
        if (phase != Phase.NEGOTIATION && phase != Phase.LOCK) revert WrongPhase(orderId, phase);
        bool paid = phase == Phase.LOCK;
        if (msg.sender != order.provider && (paid || msg.sender != order.requester)) revert Unauthorized(msg.sender);

        // Effect: the order is over.
        _orders[orderId] = state.enter(Phase.REJECTED);
        uint256 refund = paid ? order.amount : 0;

        emit OrderRejected(orderId, msg.sender, reasonHash, refund);

        // Interaction: refund.
        if (paid) _push(orderId, order.token, order.requester, refund);
    }

    /// @inheritdoc ICAPVault
    function expireOrder(Order calldata order) external nonReentrant {
        // Check: phase, deadline.
        bytes32 orderId = hashOrder(order);
        OrderState state = _orders[orderId];
        Phase phase = state.phase();
        if (phase != Phase.NEGOTIATION && phase != Phase.LOCK) revert WrongPhase(orderId, phase);
        bool paid = phase == Phase.LOCK;
        uint256 deadline = paid ? uint256(state.since()) + order.slaSeconds : order.payDeadline;
        if (block.timestamp <= deadline) revert TooEarly(deadline);

        // Effect: the order is over.
        _orders[orderId] = state.enter(Phase.EXPIRED);
        uint256 refund = paid ? order.amount : 0;

        emit OrderExpired(orderId, refund);

        // Interaction: refund.
        if (paid) _push(orderId, order.token, order.requester, refund);
    }

    /* MONEY FUNCTIONS */

    /// @inheritdoc ICAPVault
    function claim(address token, address to) external nonReentrant returns (uint256 amount) {
        // Check: the recipient, the credit.
        if (to == address(0) || to == address(this)) revert InvalidTerms("to");
        amount = claimable[token][msg.sender];
        if (amount == 0) revert NothingToClaim(token, msg.sender);

        // Effect: the credit is used up.
        claimable[token][msg.sender] = 0;

        emit Claimed(token, msg.sender, to, amount);

        // Interaction: pay, with all the gas there is; a failure undoes the call and leaves the credit.
        IERC20(token).safeTransfer(to, amount);
    }

    /// @inheritdoc ICAPVault
    function sweepFees(address token) external nonReentrant returns (uint256 amount) {
        amount = tokenConfig[token].accruedFees;
        if (amount == 0) return 0;

        // Effect: nothing is left to sweep.
        tokenConfig[token].accruedFees = 0;
        address to = treasury;

        emit FeesSwept(token, to, amount);

        // Interaction: pay the treasury.
        IERC20(token).safeTransfer(to, amount);
    }

    /// @notice Pushes one payout. Only the vault itself may call: a call of its own is what lets it undo a transfer whose
    /// return value is bad, and cap the token's gas, without failing the order step around it.
    /// @dev Reverts unless the token's transfer succeeds and returns nothing or true.
    function pushPayout(address token, address to, uint256 amount) external {
        if (msg.sender != address(this)) revert Unauthorized(msg.sender);
        IERC20(token).safeTransfer(to, amount);
    }

    /* ONLY OWNER FUNCTIONS */

    /// @inheritdoc ICAPVault
    function setToken(address token, bool enabled, uint16 minFeeBps) external onlyOwner {
        if (minFeeBps > MAX_FEE_BPS) revert FeeOutOfRange(minFeeBps, 0, MAX_FEE_BPS);

        TokenConfig storage config = tokenConfig[token];
        (config.enabled, config.minFeeBps) = (enabled, minFeeBps);

        emit TokenSet(token, enabled, minFeeBps);
    }

    /// @inheritdoc ICAPVault
    function setTreasury(address newTreasury) external onlyOwner {
        _setTreasury(newTreasury);
    }

    /// @notice Always reverts, with {ICAPVault-CannotRenounce}: ownership can only pass to somebody who accepts it.
    function renounceOwnership() public pure override {
        revert CannotRenounce();
    }

    /* VIEWS */

    /// @inheritdoc ICAPVault
    function orderState(bytes32 orderId)
        external
        view
        returns (Phase phase, bool approved, bool disputed, uint40 since, bytes25 hashPrefix)
    {
        OrderState state = _orders[orderId];
        return (state.phase(), state.approved(), state.disputed(), state.since(), state.hashPrefix());
    }

    /// @inheritdoc ICAPVault
    function hashOrder(Order calldata order) public view returns (bytes32) {
        return _hashTypedDataV4(OrderHash.structHash(order));
    }

    /// @inheritdoc ICAPVault
    function isDelivered(bytes32 orderId, bytes32 deliverableHash) external view returns (bool) {
        bytes25 recorded = _orders[orderId].hashPrefix();
        return recorded != 0 && recorded == OrderStates.prefix(deliverableHash);
    }

    /* CHECKS */

    /// @dev The term rules. Reads every member: the decoder then refuses dirty upper bits, which OrderHash would hash.
    function _checkTerms(Order calldata order) private view {
        (address requester, address provider, address token) = (order.requester, order.provider, order.token);
        if (token == address(0) || token == address(this)) revert InvalidTerms("token");
        if (!_mayTakePart(requester, token)) revert InvalidTerms("requester");
        if (!_mayTakePart(provider, token) || provider == requester) revert InvalidTerms("provider");
        // Dispute, approval, commission and review are not offered yet.
        if (order.arbiter != address(0)) revert InvalidTerms("arbiter");
        if (order.approver != address(0)) revert InvalidTerms("approver");
        if (order.commissionTo != address(0)) revert InvalidTerms("commissionTo");
        if (order.commissionBps != 0) revert InvalidTerms("commissionBps");
        if (order.reviewSeconds != 0) revert InvalidTerms("reviewSeconds");
        if (order.amount == 0) revert InvalidTerms("amount");
        if (order.payDeadline > block.timestamp + MAX_PAY_WINDOW) revert InvalidTerms("payDeadline");
        if (order.slaSeconds < MIN_SLA || order.slaSeconds > MAX_SLA) revert InvalidTerms("slaSeconds");
    }

    /// @dev An address that can be paid: not 0, not the vault, not the token.
    function _mayTakePart(address account, address token) private view returns (bool) {
        return account != address(0) && account != address(this) && account != token;
    }

    /// @dev The party that sends the call consents by it. Otherwise ecrecover comes first, so that an EOA with EIP-7702
    /// code still signs as itself; ERC-1271 second.
    function _checkConsent(address party, bytes32 orderId, bytes calldata signature) private view {
        if (msg.sender == party) return;
        // A failed recovery gives 0, which is no party.
        (address recovered,,) = ECDSA.tryRecoverCalldata(orderId, signature);
        if (recovered == party) return;
        if (!SignatureChecker.isValidERC1271SignatureNowCalldata(party, orderId, signature)) {
            revert BadSignature(party);
        }
    }

    function _checkToken(Order calldata order) private view {
        TokenConfig storage config = tokenConfig[order.token];
        if (!config.enabled) revert TokenDisabled(order.token);
        uint256 min = config.minFeeBps;
        if (order.feeBps < min || order.feeBps > MAX_FEE_BPS) revert FeeOutOfRange(order.feeBps, min, MAX_FEE_BPS);
    }

    /* MONEY */

    /// @dev Pulls exactly `amount` from `from`.
    function _pull(address token, address from, uint256 amount) private {
        // A token that lost its code would take the calls and move nothing.
        if (token.code.length == 0) revert WrongDeposit(0, amount);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(from, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert WrongDeposit(received, amount);
    }

    /// @dev Splits the price by the signed terms. The fee is credited, so nobody can block the Provider's payout.
    function _settle(bytes32 orderId, Order calldata order) private {
        uint256 fee = uint256(order.amount) * order.feeBps / BPS;
        uint256 toProvider = order.amount - fee;
        // Safe cast: fee <= amount, a uint120.
        // forge-lint: disable-next-line(unsafe-typecast)
        tokenConfig[order.token].accruedFees += uint128(fee);

        emit OrderCleared(orderId, toProvider, 0, fee, 0);

        _push(orderId, order.token, order.provider, toProvider);
    }

    /// @dev Pushes a payout; one that fails waits for `claim`, so no recipient and no token can block an order.
    function _push(bytes32 orderId, address token, address to, uint256 amount) private {
        uint256 found = gasleft();
        if (found < MIN_GAS_BEFORE_PUSH) revert InsufficientGas(found, MIN_GAS_BEFORE_PUSH);
        try this.pushPayout{gas: PUSH_GAS}(token, to, amount) {}
        catch {
            claimable[token][to] += amount;
            emit PayoutDeferred(orderId, token, to, amount);
        }
    }

    function _setTreasury(address newTreasury) private {
        if (newTreasury == address(0) || newTreasury == address(this)) revert InvalidTerms("treasury");
        treasury = newTreasury;

        emit TreasurySet(newTreasury);
    }
}
