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
import {IERC3009} from "./interfaces/IERC3009.sol";
import {OrderHash} from "./libraries/OrderHash.sol";
import {OrderState, OrderStates} from "./libraries/OrderState.sol";
import {Phases} from "./libraries/Phases.sol";
import {Split} from "./libraries/Split.sol";

/// @title CAPVault
/// @notice Order state machine and escrow. No proxy, no pause, no hooks, no callee chosen by a user.
contract CAPVault is ICAPVault, EIP712, Ownable2Step, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Phases for Phase;

    /// @dev Settings and accrued fees of one token, in one slot.
    struct TokenConfig {
        bool enabled; // whether new orders may use it
        uint16 minFeeBps; // least feeBps of a new order
        uint128 accruedFees; // base units, not yet swept
    }

    /* CONSTANTS */

    uint256 private constant MAX_FEE_BPS = 1000;
    uint256 private constant MAX_DEDUCTION_BPS = 5000; // fee and commission together
    uint256 private constant MAX_PAY_WINDOW = 30 days;
    uint256 private constant MIN_SLA = 300 seconds;
    uint256 private constant MAX_SLA = 365 days;
    uint256 private constant MIN_REVIEW = 300 seconds;
    uint256 private constant MAX_REVIEW = 30 days;
    uint256 private constant RESOLVE_WINDOW = 30 days; // for the Arbiter, from the start of DISPUTE

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
        OrderState state;
        (orderId, state) = _load(order);
        if (state.phase() != Phase.NONE) revert WrongPhase(orderId, state.phase());
        _checkInTime(order.payDeadline);
        _checkConsent(order.requester, orderId, requesterSig);
        _checkConsent(order.provider, orderId, providerSig);
        _checkToken(order);

        // Effect: the order is open for payment.
        _orders[orderId] = state.enter(Phase.NEGOTIATION);

        _logCreated(orderId, order);
    }

    /// @inheritdoc ICAPVault
    function payOrder(Order calldata order) external nonReentrant {
        // Check: phase, caller, deadline.
        (bytes32 orderId, OrderState state) = _load(order);
        if (state.phase() != Phase.NEGOTIATION) revert WrongPhase(orderId, state.phase());
        _checkCaller(order.requester);
        _checkInTime(order.payDeadline);

        // Effect: the price is locked.
        _lock(orderId, state, order);

        // Interaction: pull the price.
        _pull(order);
    }

    /// @inheritdoc ICAPVault
    function payOrderWithAuthorization(Order calldata order, bytes calldata authorization) external nonReentrant {
        // Check: phase, deadline.
        (bytes32 orderId, OrderState state) = _load(order);
        if (state.phase() != Phase.NEGOTIATION) revert WrongPhase(orderId, state.phase());
        _checkInTime(order.payDeadline);

        // Effect: the price is locked.
        _lock(orderId, state, order);

        // Interaction: pull the price; the token checks the authorization.
        _pullAuthorized(orderId, order, authorization);
    }

    /// @inheritdoc ICAPVault
    function createAndPayOrder(Order calldata order, bytes calldata providerSig)
        external
        nonReentrant
        returns (bytes32 orderId)
    {
        // Check: terms, phase, caller, deadline, signature, token.
        OrderState state;
        (orderId, state) = _loadUnpaid(order);
        _checkCaller(order.requester);

        // Effect: the price is locked.
        _createAndLock(orderId, state, order, providerSig);

        // Interaction: pull the price.
        _pull(order);
    }

    /// @inheritdoc ICAPVault
    function createAndPayOrderWithAuthorization(
        Order calldata order,
        bytes calldata providerSig,
        bytes calldata authorization
    ) external nonReentrant returns (bytes32 orderId) {
        // Check: terms, phase, deadline, signature, token.
        OrderState state;
        (orderId, state) = _loadUnpaid(order);

        // Effect: the price is locked.
        _createAndLock(orderId, state, order, providerSig);

        // Interaction: pull the price; the token checks the authorization, which is the Requester's consent.
        _pullAuthorized(orderId, order, authorization);
    }

    /// @inheritdoc ICAPVault
    function approveOrder(Order calldata order) external {
        // Check: terms, phase, caller, flag.
        if (order.approver == address(0)) revert InvalidTerms("approver");
        (bytes32 orderId, OrderState state) = _load(order);
        Phase phase = state.phase();
        if (phase != Phase.NEGOTIATION && phase != Phase.LOCK) revert WrongPhase(orderId, phase);
        _checkCaller(order.approver);
        if (state.approved()) revert AlreadyApproved();

        // Effect: the delivery gate is open.
        _orders[orderId] = state.approve();

        emit OrderApproved(orderId);
    }

    /// @inheritdoc ICAPVault
    function deliverOrder(Order calldata order, bytes32 deliverableHash) external nonReentrant {
        // Check: terms, phase, caller, deadline, approval.
        if (OrderStates.prefix(deliverableHash) == 0) revert InvalidTerms("deliverableHash");
        (bytes32 orderId, OrderState state) = _load(order);
        if (state.phase() != Phase.LOCK) revert WrongPhase(orderId, state.phase());
        _checkCaller(order.provider);
        _checkInTime(_deadline(order, state));
        _checkApproval(order, state);

        // Effect: the hash is recorded, and the order under review or settled.
        if (order.reviewSeconds != 0) {
            _orders[orderId] = state.record(deliverableHash).enter(Phase.DELIVER);

            emit OrderDelivered(orderId, deliverableHash, block.timestamp + order.reviewSeconds);
            return;
        }
        _orders[orderId] = state.record(deliverableHash).enter(Phase.CLEAR);

        emit OrderDelivered(orderId, deliverableHash, 0);

        // Interaction: pay out.
        _settle(orderId, order, order.amount);
    }

    /// @inheritdoc ICAPVault
    function releaseOrder(Order calldata order) external nonReentrant {
        // Check: terms, phase, caller and deadline, approval.
        if (order.reviewSeconds == 0) revert InvalidTerms("reviewSeconds");
        (bytes32 orderId, OrderState state) = _load(order);
        Phase phase = state.phase();
        if (!phase.isFunded()) revert WrongPhase(orderId, phase);
        if (msg.sender != order.requester) {
            if (phase == Phase.LOCK) revert Unauthorized(msg.sender);
            _checkOver(_deadline(order, state));
        }
        if (phase == Phase.LOCK) _checkApproval(order, state);

        // Effect: the order is settled.
        _orders[orderId] = state.enter(Phase.CLEAR);

        // Interaction: pay out.
        _settle(orderId, order, order.amount);
    }

    /// @inheritdoc ICAPVault
    function disputeOrder(Order calldata order, bytes32 reasonHash) external {
        // Check: terms, phase, caller, deadline, flag.
        if (order.arbiter == address(0)) revert InvalidTerms("arbiter");
        (bytes32 orderId, OrderState state) = _load(order);
        Phase phase = state.phase();
        if (phase != Phase.LOCK && phase != Phase.DELIVER) revert WrongPhase(orderId, phase);
        bool delivered = phase == Phase.DELIVER;
        if (msg.sender != order.requester && (delivered || msg.sender != order.provider)) {
            revert Unauthorized(msg.sender);
        }
        uint256 deadline = _deadline(order, state);
        _checkInTime(deadline);
        if (!delivered && state.disputed()) revert AlreadyDisputed();

        // Effect: the Arbiter may rule. Before delivery nothing stops, after it the timed release does.
        _orders[orderId] = delivered ? state.dispute().enter(Phase.DISPUTE) : state.dispute();

        emit OrderDisputed(orderId, msg.sender, reasonHash, delivered ? block.timestamp + RESOLVE_WINDOW : deadline);
    }

    /// @inheritdoc ICAPVault
    function resolveDispute(Order calldata order, uint256 providerPart, bytes32 reasonHash) external nonReentrant {
        // Check: terms, phase, caller, deadline, flag and approval.
        if (order.arbiter == address(0)) revert InvalidTerms("arbiter");
        if (providerPart > order.amount) revert InvalidTerms("providerPart");
        (bytes32 orderId, OrderState state) = _load(order);
        Phase phase = state.phase();
        if (!phase.isFunded()) revert WrongPhase(orderId, phase);
        _checkCaller(order.arbiter);
        _checkInTime(_deadline(order, state));
        if (!state.disputed()) revert NotDisputed();
        if (phase == Phase.LOCK && providerPart != 0) _checkApproval(order, state);

        emit DisputeResolved(orderId, providerPart, reasonHash);

        // Effect and interaction: the order is over, and split.
        if (providerPart == 0) {
            _reject(orderId, state, order, reasonHash);
        } else {
            _orders[orderId] = state.enter(Phase.CLEAR);
            _settle(orderId, order, providerPart);
        }
    }

    /// @inheritdoc ICAPVault
    function rejectOrder(Order calldata order, bytes32 reasonHash) external nonReentrant {
        // Check: phase, caller.
        (bytes32 orderId, OrderState state) = _load(order);
        if (state.phase().isFinal()) revert WrongPhase(orderId, state.phase());
        if (!_mayReject(order, state)) revert Unauthorized(msg.sender);

        // Effect and interaction: the order is over; refund what was paid.
        _reject(orderId, state, order, reasonHash);
    }

    /// @inheritdoc ICAPVault
    function expireOrder(Order calldata order) external nonReentrant {
        // Check: phase, deadline.
        (bytes32 orderId, OrderState state) = _load(order);
        if (!state.phase().canExpire()) revert WrongPhase(orderId, state.phase());
        _checkOver(_deadline(order, state));

        // Effect and interaction: the order is over; refund what was paid.
        _expire(orderId, state, order);
    }

    /// @inheritdoc ICAPVault
    function expireOrders(Order[] calldata orders) external nonReentrant returns (uint256 expired) {
        for (uint256 i = 0; i < orders.length; ++i) {
            (bytes32 orderId, OrderState state) = _load(orders[i]);
            if (!state.phase().canExpire() || block.timestamp <= _deadline(orders[i], state)) continue;
            _expire(orderId, state, orders[i]);
            ++expired;
        }
    }

    /* MONEY FUNCTIONS */

    /// @inheritdoc ICAPVault
    function claim(address token, address to) external nonReentrant returns (uint256 amount) {
        // Check: the recipient.
        if (to == address(0) || to == address(this)) revert InvalidTerms("to");

        return _claim(token, msg.sender, to);
    }

    /// @inheritdoc ICAPVault
    function claimFor(address token, address account) external nonReentrant returns (uint256 amount) {
        return _claim(token, account, account);
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
    function push(address token, address to, uint256 amount) external {
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

    /// @dev The order's id and what is stored of it.
    function _load(Order calldata order) private view returns (bytes32 orderId, OrderState state) {
        orderId = hashOrder(order);
        state = _orders[orderId];
    }

    /// @dev The same of an order that is yet to be paid, by terms that may be new to the vault.
    function _loadUnpaid(Order calldata order) private view returns (bytes32 orderId, OrderState state) {
        _checkTerms(order);
        (orderId, state) = _load(order);
        Phase phase = state.phase();
        if (phase != Phase.NONE && phase != Phase.NEGOTIATION) revert WrongPhase(orderId, phase);
    }

    /// @dev The term rules. Reads every member: the decoder then refuses dirty upper bits, which OrderHash would hash and the log show.
    function _checkTerms(Order calldata order) private view {
        (address requester, address provider, address token) = (order.requester, order.provider, order.token);
        if (token == address(0) || token == address(this)) revert InvalidTerms("token");
        if (requester == address(0) || !_canBePaid(requester, token)) revert InvalidTerms("requester");
        if (provider == address(0) || !_canBePaid(provider, token) || provider == requester) {
            revert InvalidTerms("provider");
        }
        if (order.amount == 0) revert InvalidTerms("amount");
        if (order.payDeadline > block.timestamp + MAX_PAY_WINDOW) revert InvalidTerms("payDeadline");
        uint256 sla = order.slaSeconds;
        if (sla < MIN_SLA || sla > MAX_SLA) revert InvalidTerms("slaSeconds");
        _checkReview(order.arbiter, order.reviewSeconds, requester, provider, token);
        _checkCommission(order.commissionTo, order.commissionBps, order.feeBps, token);
        address approver = order.approver;
        if (approver != address(0) && !_isOutsider(approver, requester, provider, token)) {
            revert InvalidTerms("approver");
        }
        order.salt; // no rule, only read
    }

    /// @dev A review needs somebody who can end a dispute about it, and an Arbiter something to judge.
    function _checkReview(address arbiter, uint256 review, address requester, address provider, address token)
        private
        view
    {
        if (arbiter == address(0)) {
            if (review != 0) revert InvalidTerms("reviewSeconds");
            return;
        }
        if (!_isOutsider(arbiter, requester, provider, token)) revert InvalidTerms("arbiter");
        if (review < MIN_REVIEW || review > MAX_REVIEW) revert InvalidTerms("reviewSeconds");
    }

    function _checkCommission(address to, uint256 commissionBps, uint256 feeBps, address token) private view {
        if (to == address(0)) {
            if (commissionBps != 0) revert InvalidTerms("commissionBps");
            return;
        }
        if (!_canBePaid(to, token)) revert InvalidTerms("commissionTo");
        if (commissionBps == 0 || feeBps + commissionBps > MAX_DEDUCTION_BPS) revert InvalidTerms("commissionBps");
    }

    function _canBePaid(address account, address token) private view returns (bool) {
        return account != address(this) && account != token;
    }

    /// @dev Whether `account` may judge the parties: not one of them, nor the vault or the token.
    function _isOutsider(address account, address requester, address provider, address token)
        private
        view
        returns (bool)
    {
        return _canBePaid(account, token) && account != requester && account != provider;
    }

    function _checkCaller(address expected) private view {
        if (msg.sender != expected) revert Unauthorized(msg.sender);
    }

    /// @dev Last second in which the order's phase allows what serves one side against the other; after it come the exits open to anyone.
    function _deadline(Order calldata order, OrderState state) private pure returns (uint256) {
        Phase phase = state.phase();
        if (phase == Phase.NEGOTIATION) return order.payDeadline;
        if (phase == Phase.LOCK) return uint256(state.since()) + order.slaSeconds;
        if (phase == Phase.DELIVER) return uint256(state.since()) + order.reviewSeconds;
        return uint256(state.since()) + RESOLVE_WINDOW;
    }

    function _checkInTime(uint256 deadline) private view {
        if (block.timestamp > deadline) revert TooLate(deadline);
    }

    function _checkOver(uint256 deadline) private view {
        if (block.timestamp <= deadline) revert TooEarly(deadline);
    }

    function _checkApproval(Order calldata order, OrderState state) private pure {
        if (order.approver != address(0) && !state.approved()) revert NotApproved();
    }

    /// @dev The Provider always; the Requester until it has paid; the Approver until it has approved or the order is delivered.
    function _mayReject(Order calldata order, OrderState state) private view returns (bool) {
        Phase phase = state.phase();
        if (msg.sender == order.provider) return true;
        if (msg.sender == order.requester) return !phase.isFunded();
        return msg.sender == order.approver && !state.approved() && (phase == Phase.NEGOTIATION || phase == Phase.LOCK);
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

    /* EFFECTS */

    /// @dev Creates the order unless it is, and locks its price. The Requester consents by its call or by its authorization.
    function _createAndLock(bytes32 orderId, OrderState state, Order calldata order, bytes calldata providerSig)
        private
    {
        _checkInTime(order.payDeadline);
        if (state.phase() == Phase.NONE) {
            _checkConsent(order.provider, orderId, providerSig);
            _checkToken(order);

            _logCreated(orderId, order);
        }
        _lock(orderId, state, order);
    }

    /// @dev `emit OrderCreated(orderId, order.requester, order.provider, order)`, its data copied from calldata as it is: encoding 14
    /// members one by one costs 1 200 gas. The terms have been checked, so no member has dirty upper bits.
    function _logCreated(bytes32 orderId, Order calldata order) private {
        bytes32 topic = OrderCreated.selector;
        (address requester, address provider) = (order.requester, order.provider);
        assembly ("memory-safe") {
            let data := mload(0x40)
            calldatacopy(data, order, 0x1c0) // 14 members of 32 bytes
            log4(data, 0x1c0, topic, orderId, requester, provider)
        }
    }

    function _lock(bytes32 orderId, OrderState state, Order calldata order) private {
        _orders[orderId] = state.enter(Phase.LOCK);

        emit OrderPaid(orderId, block.timestamp + order.slaSeconds);
    }

    function _reject(bytes32 orderId, OrderState state, Order calldata order, bytes32 reasonHash) private {
        _orders[orderId] = state.enter(Phase.REJECTED);
        uint256 refund = _refundOf(order, state);

        emit OrderRejected(orderId, msg.sender, reasonHash, refund);

        if (refund != 0) _push(orderId, order.token, order.requester, refund);
    }

    function _expire(bytes32 orderId, OrderState state, Order calldata order) private {
        _orders[orderId] = state.enter(Phase.EXPIRED);
        uint256 refund = _refundOf(order, state);

        emit OrderExpired(orderId, refund);

        if (refund != 0) _push(orderId, order.token, order.requester, refund);
    }

    /* MONEY */

    function _refundOf(Order calldata order, OrderState state) private pure returns (uint256) {
        return state.phase().isFunded() ? order.amount : 0;
    }

    /// @dev Pulls exactly the price from the Requester, by its allowance.
    function _pull(Order calldata order) private {
        uint256 before = _balanceBefore(order);
        IERC20(order.token).safeTransferFrom(order.requester, address(this), order.amount);
        _checkDeposit(order, before);
    }

    /// @dev Pulls exactly the price from the Requester, by its EIP-3009 authorization. The nonce binds it to this order, and
    /// `receive…` to this vault: nobody can use it to pay anything else, nor take it to the token first.
    function _pullAuthorized(bytes32 orderId, Order calldata order, bytes calldata authorization) private {
        uint256 before = _balanceBefore(order);
        IERC3009(order.token)
            .receiveWithAuthorization({
            from: order.requester,
            to: address(this),
            value: order.amount,
            validAfter: 0,
            validBefore: uint256(order.payDeadline) + 1,
            nonce: orderId,
            signature: authorization
        });
        _checkDeposit(order, before);
    }

    /// @dev A token that lost its code would take the calls and move nothing.
    function _balanceBefore(Order calldata order) private view returns (uint256) {
        if (order.token.code.length == 0) revert WrongDeposit(0, order.amount);
        return IERC20(order.token).balanceOf(address(this));
    }

    function _checkDeposit(Order calldata order, uint256 before) private view {
        uint256 received = IERC20(order.token).balanceOf(address(this)) - before;
        if (received != order.amount) revert WrongDeposit(received, order.amount);
    }

    /// @dev Splits the price by the signed terms. Fee and commission are credited, so neither payee can block the parties' payouts.
    function _settle(bytes32 orderId, Order calldata order, uint256 providerPart) private {
        (uint256 toProvider, uint256 toRequester, uint256 fee, uint256 commission) =
            Split.split(order.amount, providerPart, order.feeBps, order.commissionBps);
        // Safe cast: fee <= amount, a uint120.
        // forge-lint: disable-next-line(unsafe-typecast)
        tokenConfig[order.token].accruedFees += uint128(fee);

        emit OrderCleared(orderId, toProvider, toRequester, fee, commission);

        if (commission != 0) _credit(orderId, order.token, order.commissionTo, commission);
        _push(orderId, order.token, order.provider, toProvider);
        if (toRequester != 0) _push(orderId, order.token, order.requester, toRequester);
    }

    /// @dev Pushes a payout; one that fails waits for `claim`, so no recipient and no token can block an order.
    function _push(bytes32 orderId, address token, address to, uint256 amount) private {
        uint256 found = gasleft();
        if (found < MIN_GAS_BEFORE_PUSH) revert InsufficientGas(found, MIN_GAS_BEFORE_PUSH);
        try this.push{gas: PUSH_GAS}(token, to, amount) {}
        catch {
            _credit(orderId, token, to, amount);
        }
    }

    function _credit(bytes32 orderId, address token, address account, uint256 amount) private {
        claimable[token][account] += amount;

        emit PayoutDeferred(orderId, token, account, amount);
    }

    function _claim(address token, address account, address to) private returns (uint256 amount) {
        // Check: the credit.
        amount = claimable[token][account];
        if (amount == 0) revert NothingToClaim(token, account);

        // Effect: the credit is used up.
        claimable[token][account] = 0;

        emit Claimed(token, account, to, amount);

        // Interaction: pay, with all the gas there is; a failure undoes the call and leaves the credit.
        IERC20(token).safeTransfer(to, amount);
    }

    function _setTreasury(address newTreasury) private {
        if (newTreasury == address(0) || newTreasury == address(this)) revert InvalidTerms("treasury");
        treasury = newTreasury;

        emit TreasurySet(newTreasury);
    }
}
